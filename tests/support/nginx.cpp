#include "tests/support/nginx.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace packswarm::test {

namespace {

// A listening socket on a free port. nginx inherits it, so no other process can take the port in between.
int listen_on(const std::string& address, int& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);
    socklen_t length = sizeof name;
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&name), length) != 0 || ::listen(fd, 511) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0)
        throw std::runtime_error("no loopback port for nginx");
    port = ntohs(name.sin_port);
    return fd;
}

// Runs argv and waits. Only calls that are safe after a fork in a threaded program happen in the child.
int run(const std::vector<std::string>& argv) {
    std::vector<char*> raw;
    for (const auto& word : argv) raw.push_back(const_cast<char*>(word.c_str()));
    raw.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int null = ::open("/dev/null", O_RDWR);
        ::dup2(null, 1);
        ::dup2(null, 2);
        ::execvp(raw[0], raw.data());
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status;
}

}  // namespace

TempDir::TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "packswarm-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    path_ = pattern;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Nginx::Nginx(const NginxSettings& settings) : settings_(settings), root_(dir_.path() / "www") {
    std::filesystem::create_directories(root_);
    const int plain = listen_on(settings_.address, port_);
    const int tls = settings_.tls ? listen_on(settings_.address, tls_port_) : -1;
    if (settings_.tls) make_certificates();
    std::ofstream(dir_.path() / "nginx.conf") << configuration();
    launch(plain, tls);
    ::close(plain);
    if (tls >= 0) ::close(tls);
}

Nginx::~Nginx() { stop(); }

void Nginx::stop() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void Nginx::make_certificates() const {
    const auto in = [&](const char* name) { return (dir_.path() / name).string(); };
    std::ofstream(in("san.cnf")) << "subjectAltName=DNS:localhost,DNS:mirror.test,IP:" << settings_.address << "\n";
    const int wrong =
        run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=packswarm test authority", "-keyout", in("ca.key"), "-out", in("ca.pem")}) |
        run({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             "/CN=localhost", "-keyout", in("server.key"), "-out", in("server.csr")}) |
        run({"openssl", "x509", "-req", "-in", in("server.csr"), "-CA", in("ca.pem"), "-CAkey", in("ca.key"),
             "-CAcreateserial", "-days", "2", "-extfile", in("san.cnf"), "-out", in("server.pem")});
    if (wrong != 0) throw std::runtime_error("openssl made no certificate");
}

std::string Nginx::configuration() const {
    const std::string dir = dir_.path().string();
    std::ostringstream out;
    if (::geteuid() == 0) out << "user root;\n";  // the folder is closed to others, also to nginx's default user
    out << "daemon off; worker_processes 1; pid " << dir << "/nginx.pid; error_log " << dir << "/error.log warn;\n"
        << "events { worker_connections 512; }\nhttp {\n"
        << "types { text/html html; application/vnd.debian.binary-package deb; }\ndefault_type "
           "application/octet-stream;\n"
        << "log_format brief '$connection $status $body_bytes_sent $server_protocol $server_port $request_method "
           "$request_uri';\n"
        << "access_log " << dir
        << "/access.log brief;\nsendfile on; tcp_nopush on; keepalive_timeout 75s; keepalive_requests 100000;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
        out << kind << "_temp_path " << dir << "/" << kind << ";\n";
    out << "server { listen " << settings_.address << ":" << port_ << ";\n";
    if (settings_.tls)
        out << "listen " << settings_.address << ":" << tls_port_ << " ssl http2;\nssl_certificate " << dir
            << "/server.pem; ssl_certificate_key " << dir << "/server.key;\n";
    out << "server_name localhost; root " << root_.string() << ";\n" << settings_.server_lines << "\n} }\n";
    return out.str();
}

// nginx takes over the sockets named in NGINX= (its way of replacing its own program without closing ports).
void Nginx::launch(int plain, int tls) {
    const std::string conf = (dir_.path() / "nginx.conf").string(), log = (dir_.path() / "error.log").string();
    const std::string prefix = dir_.path().string() + "/";
    const std::string inherited = "NGINX=" + std::to_string(plain) + ";" + (tls >= 0 ? std::to_string(tls) + ";" : "");
    std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", program = "nginx";
    char* const environment[] = {const_cast<char*>(inherited.c_str()), path.data(), nullptr};
    const char* const argv[] = {program.c_str(), "-p", prefix.c_str(), "-c", conf.c_str(), "-e", log.c_str(), nullptr};
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that crashes leaves no nginx behind
        if (::getppid() != parent) ::_exit(1);
        ::fcntl(plain, F_SETFD, 0);
        if (tls >= 0) ::fcntl(tls, F_SETFD, 0);
        ::execve("/usr/sbin/nginx", const_cast<char* const*>(argv), environment);
        ::_exit(127);
    }
    if (pid_ < 0) throw std::runtime_error("nginx did not start");
}

void Nginx::put(const std::string& path, std::string_view content) const {
    const auto target = root_ / path;
    std::filesystem::create_directories(target.parent_path());
    std::ofstream(target, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

std::string Nginx::url(const std::string& path) const {
    return "http://" + settings_.address + ":" + std::to_string(port_) + "/" + path;
}

std::string Nginx::tls_url(const std::string& path) const {
    return "https://localhost:" + std::to_string(tls_port_) + "/" + path;
}

std::string Nginx::access_log() const {
    std::ifstream in(dir_.path() / "access.log");
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace packswarm::test
