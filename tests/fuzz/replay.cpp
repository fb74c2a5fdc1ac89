// Replays stored inputs through one fuzz target, then seeded mutations of them: the same inputs in every run of one
// seed. usage: NAME_replay [--seed N] [--mutations N] [--only N] FOLDER-OR-FILE... Not here: libFuzzer (PACKSWARM_FUZZ
// builds it). A crash or an input that takes 20 s ends the program and says which one it was.
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

using Input = std::vector<std::uint8_t>;

constexpr unsigned input_seconds = 20;
constexpr std::size_t max_mutated_size = 1 << 20;
constexpr auto time_budget = std::chrono::seconds(5);

struct Settings {
    std::uint64_t seed = 20240229;
    long mutations = 3000;
    long only = -1;  // this mutation alone, to look at a crash
    std::vector<std::filesystem::path> roots;
};

char where[512] = "before the first input";  // read by the crash handlers

void say_where() {
    const char* parts[] = {"\nreplay: ended in ", where, "\n"};
    for (const char* part : parts)
        if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) return;
}

void on_signal(int number) {
    say_where();
    std::signal(number, SIG_DFL);
    std::raise(number == SIGALRM ? SIGABRT : number);
}

void catch_crashes() {
    std::signal(SIGALRM, on_signal);
    if (__sanitizer_set_death_callback) return __sanitizer_set_death_callback(say_where);
    for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(number, on_signal);
}

void run(const Input& input) {
    ::alarm(input_seconds);
    const Input exact(input);  // its own allocation, so that a sanitizer sees one byte too far
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
    ::alarm(0);
}

class Mutator {
  public:
    Mutator(std::uint64_t seed, const std::vector<Input>& corpus) : random_(seed), corpus_(corpus) {}

    Input make() {
        Input out = pick();
        for (auto rounds = 1 + below(4); rounds > 0; --rounds) change(out);
        if (out.size() > max_mutated_size) out.resize(max_mutated_size);
        return out;
    }

  private:
    std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
    const Input& pick() { return corpus_[below(corpus_.size())]; }

    void change(Input& out) {
        switch (below(7)) {
            case 0:
                return flip(out);
            case 1:
                return out.resize(below(out.size() + 1));
            case 2:
                return splice(out);
            case 3:
                return repeat(out);
            case 4:
                return number(out);
            case 5:
                return erase(out);
            default:
                return insert(out);
        }
    }

    void flip(Input& out) {
        for (auto count = 1 + below(8); count > 0 && !out.empty(); --count)
            out[below(out.size())] ^= static_cast<std::uint8_t>(1u << below(8));
    }

    void splice(Input& out) {
        const Input& other = pick();
        out.resize(below(out.size() + 1));
        out.insert(out.end(), other.begin() + static_cast<std::ptrdiff_t>(below(other.size() + 1)), other.end());
    }

    void repeat(Input& out) {
        const auto from = below(out.size());
        const Input part(out.begin() + static_cast<std::ptrdiff_t>(from),
                         out.begin() + static_cast<std::ptrdiff_t>(
                                           from + below(std::min<std::size_t>(out.size() - from, 4096) + 1)));
        for (auto times = below(64); times > 0 && out.size() < max_mutated_size; --times)
            out.insert(out.begin() + static_cast<std::ptrdiff_t>(from), part.begin(), part.end());
    }

    // Integers that break arithmetic, as binary of either byte order or as decimal text.
    void number(Input& out) {
        static constexpr std::int64_t values[] = {0,
                                                  -1,
                                                  1,
                                                  127,
                                                  128,
                                                  255,
                                                  256,
                                                  32767,
                                                  65535,
                                                  65536,
                                                  INT32_MAX,
                                                  INT32_MIN,
                                                  std::int64_t{UINT32_MAX},
                                                  std::int64_t{1} << 32,
                                                  INT64_MAX,
                                                  INT64_MIN};
        const std::int64_t value = values[below(std::size(values))];
        if (below(2) == 0) {
            const auto text = std::to_string(value);
            return overwrite(out, Input(text.begin(), text.end()));
        }
        Input raw(std::size_t{1} << below(4));
        for (std::size_t i = 0; i < raw.size(); ++i)
            raw[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i));
        if (below(2) == 0) std::reverse(raw.begin(), raw.end());
        overwrite(out, raw);
    }

    void overwrite(Input& out, const Input& part) {
        const auto at = below(out.size() + 1);
        out.resize(std::max(out.size(), at + part.size()));
        std::copy(part.begin(), part.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
    }

    void erase(Input& out) {
        const auto from = below(out.size());
        const auto count = below(out.size() - from + (out.empty() ? 0 : 1));
        out.erase(out.begin() + static_cast<std::ptrdiff_t>(from),
                  out.begin() + static_cast<std::ptrdiff_t>(from + count));
    }

    void insert(Input& out) {
        static constexpr std::uint8_t telling[] = {0,   '\n', '\r', ' ', ':',  '/',  '%',
                                                   '-', '.',  '"',  '{', 0x7f, 0x80, 0xff};
        const auto byte = below(2) == 0 ? telling[below(std::size(telling))] : static_cast<std::uint8_t>(below(256));
        out.insert(out.begin() + static_cast<std::ptrdiff_t>(below(out.size() + 1)), 1 + below(16), byte);
    }

    std::mt19937_64 random_;
    const std::vector<Input>& corpus_;
};

std::vector<std::filesystem::path> files_of(const std::vector<std::filesystem::path>& roots) {
    std::vector<std::filesystem::path> files;
    for (const auto& root : roots) {
        if (std::filesystem::is_regular_file(root)) files.push_back(root);
        if (!std::filesystem::is_directory(root)) continue;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
            if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

Settings parse(int argc, char** argv) {
    Settings settings;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const auto value = [&] { return i + 1 < argc ? std::atoll(argv[++i]) : 0; };
        if (word == "--seed")
            settings.seed = static_cast<std::uint64_t>(value());
        else if (word == "--mutations")
            settings.mutations = static_cast<long>(value());
        else if (word == "--only")
            settings.only = static_cast<long>(value());
        else
            settings.roots.emplace_back(word);
    }
    return settings;
}

long mutate(const Settings& settings, const std::vector<Input>& corpus) {
    Mutator mutator(settings.seed, corpus);
    const auto end = std::chrono::steady_clock::now() + time_budget;
    long done = 0;
    for (long i = 0; i < settings.mutations || i <= settings.only; ++i) {
        const Input input = mutator.make();
        if (settings.only >= 0 && i != settings.only) continue;
        std::snprintf(where, sizeof where, "mutation %ld of seed %llu (--seed %llu --only %ld)", i,
                      static_cast<unsigned long long>(settings.seed), static_cast<unsigned long long>(settings.seed),
                      i);
        run(input);
        ++done;
        if (i == settings.only || std::chrono::steady_clock::now() >= end) break;
    }
    return done;
}

}  // namespace

int main(int argc, char** argv) {
    const Settings settings = parse(argc, argv);
    catch_crashes();
    const auto files = files_of(settings.roots);
    std::vector<Input> corpus;
    for (const auto& file : files) {
        std::ifstream stream(file, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
        std::snprintf(where, sizeof where, "%s", file.c_str());
        if (settings.only < 0) run(corpus.back());
    }
    if (corpus.empty()) {
        std::fprintf(stderr, "replay: no stored input found; a fuzz target needs a corpus\n");
        return 1;
    }
    std::printf("seed %llu: %zu stored inputs, %ld mutations, no crash\n",
                static_cast<unsigned long long>(settings.seed), files.size(), mutate(settings, corpus));
    return 0;
}
