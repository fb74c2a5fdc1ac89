// Nginx: a real nginx with its own folder, configuration and free loopback ports, ended with the object. HTTP/1.1 in
// the clear, and on request HTTPS with HTTP/2, under a throw-away certificate authority.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace packswarm::test {

// A new folder below the system's temporary one; gone with the object.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

struct NginxSettings {
    bool tls = false;                   // also listens with TLS and HTTP/2
    std::string address = "127.0.0.1";  // several mirrors may use 127.0.0.2, ...
    std::string server_lines = {};      // configuration lines inside server { }: locations, limit_rate, return
};

class Nginx {
  public:
    explicit Nginx(const NginxSettings& settings = {});  // throws std::runtime_error when it does not start
    ~Nginx();
    Nginx(const Nginx&) = delete;
    Nginx& operator=(const Nginx&) = delete;

    const std::filesystem::path& root() const { return root_; }         // the document root
    void put(const std::string& path, std::string_view content) const;  // path below the root, without leading '/'
    std::string url(const std::string& path = "") const;                // http://127.0.0.1:PORT/path
    std::string tls_url(const std::string& path = "") const;  // https://localhost:PORT/path: the certificate's name
    std::string ca_file() const { return (dir_.path() / "ca.pem").string(); }
    int port() const { return port_; }
    int tls_port() const { return tls_port_; }
    // One line per finished request: "connection status bytes protocol port request"; connection numbers tell reuse.
    std::string access_log() const;
    void stop();  // ends the process; its ports stop answering
    pid_t pid() const { return pid_; }

  private:
    void make_certificates() const;
    std::string configuration() const;
    void launch(int plain, int tls);
    NginxSettings settings_;
    TempDir dir_;
    std::filesystem::path root_;
    int port_ = 0;
    int tls_port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace packswarm::test
