#include "verify/hasher.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

#include "p2p/base/stop.hpp"

namespace packswarm::verify {

namespace {

constexpr std::size_t read_size = 1 << 18;

const EVP_MD* algorithm(HashKind kind) {
    switch (kind) {
        case HashKind::md5:
            return EVP_md5();
        case HashKind::sha1:
            return EVP_sha1();
        case HashKind::sha256:
            return EVP_sha256();
        case HashKind::sha512:
            return EVP_sha512();
        case HashKind::sha3_256:
            return EVP_sha3_256();
        case HashKind::sha3_512:
            return EVP_sha3_512();
    }
    return EVP_sha256();
}

std::optional<HashKind> kind_of(std::string_view name) {
    if (name == "MD5Sum") return HashKind::md5;
    if (name == "SHA1") return HashKind::sha1;
    if (name == "SHA256") return HashKind::sha256;
    if (name == "SHA512") return HashKind::sha512;
    if (name == "SHA3-256") return HashKind::sha3_256;
    if (name == "SHA3-512") return HashKind::sha3_512;
    return std::nullopt;
}

// Calls use with the bytes of range, in order and in bounded parts.
template <class Use>
Result<void> read_range(const FileHandle& file, ByteRange range, Use use) {
    std::vector<char> buffer(static_cast<std::size_t>(std::clamp<ByteCount>(range.length(), 0, read_size)));
    while (!range.empty()) {
        if (auto going = unless_stopped(); !going) return going;
        const auto want = std::min<ByteCount>(range.length(), static_cast<ByteCount>(buffer.size()));
        auto got = read_at(file, range.begin, {buffer.data(), static_cast<std::size_t>(want)});
        if (!got) return tl::unexpected(got.error());
        if (*got == 0) return fail(ErrorKind::Broken, "a file to hash ends at {}, not at {}", range.begin, range.end);
        use(ByteView(buffer.data(), *got));
        range.begin += static_cast<ByteCount>(*got);
    }
    return {};
}

}  // namespace

struct Hasher::State {
    explicit State(HashKind kind) : type(algorithm(kind)), context(EVP_MD_CTX_new()) { start(); }
    State(const State&) = delete;
    ~State() { EVP_MD_CTX_free(context); }
    void start() const {
        // Fails only without memory, or where the owner's OpenSSL policy forbids the algorithm.
        if (context == nullptr || EVP_DigestInit_ex(context, type, nullptr) != 1)
            throw std::runtime_error("OpenSSL refuses a hash algorithm");
    }
    const EVP_MD* type;
    EVP_MD_CTX* context;
};

Hasher::Hasher(HashKind kind) : state_(std::make_unique<State>(kind)) {}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::add(ByteView bytes) { EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()); }

std::string Hasher::finish() {
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned length = 0;
    EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(out.data()), &length);
    out.resize(length);
    state_->start();
    return out;
}

MultiHasher::MultiHasher(const std::vector<std::string>& names) {
    hashers_.emplace("SHA256", HashKind::sha256);
    for (const auto& name : names) {
        const auto kind = kind_of(name);
        if (!kind) continue;
        try {
            hashers_.emplace(name, *kind);
        } catch (const std::runtime_error&) {  // MD5 and SHA-1 are forbidden on hardened machines; the others suffice
        }
    }
}

void MultiHasher::add(ByteView bytes) {
    for (auto& [name, hasher] : hashers_) hasher.add(bytes);
}

std::map<std::string, std::string> MultiHasher::finish() {
    std::map<std::string, std::string> out;
    for (auto& [name, hasher] : hashers_) {
        const auto raw = hasher.finish();
        out[name] = to_hex(reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size());
    }
    return out;
}

Digest digest_of(ByteView bytes) {
    Sha256 hasher;
    hasher.add(bytes);
    return hasher.finish();
}

PieceHash piece_hash_of(ByteView bytes) {
    Sha1 hasher;
    hasher.add(bytes);
    return hasher.finish();
}

Infohash infohash_of(std::string_view info_dictionary) {
    return Infohash::from_raw(piece_hash_of(as_bytes(info_dictionary)).bytes.data());
}

Result<void> hash_range(const FileHandle& file, ByteRange range, Hasher& hasher) {
    return read_range(file, range, [&](ByteView bytes) { hasher.add(bytes); });
}

Result<Digest> hash_file(const FileHandle& file) {
    const auto info = file_info(file);
    if (!info) return tl::unexpected(info.error());
    Hasher hasher(HashKind::sha256);
    if (auto read = hash_range(file, {0, info->size}, hasher); !read) return tl::unexpected(read.error());
    return Digest::from_raw(hasher.finish().data());
}

Result<std::map<std::string, std::string>> hash_file(const FileHandle& file, const std::vector<std::string>& names) {
    const auto info = file_info(file);
    if (!info) return tl::unexpected(info.error());
    MultiHasher hasher(names);
    auto read = read_range(file, {0, info->size}, [&](ByteView bytes) { hasher.add(bytes); });
    if (!read) return tl::unexpected(read.error());
    return hasher.finish();
}

Result<PieceHashes> piece_hashes(const FileHandle& file, ByteRange range, ByteCount piece_length) {
    if (piece_length <= 0 || range.begin < 0)
        return fail(ErrorKind::Broken, "pieces of {} bytes from {}", piece_length, range.begin);
    PieceHashes out;
    Hasher hasher(HashKind::sha1);
    for (ByteCount at = range.begin; at < range.end; at += piece_length) {
        if (auto read = hash_range(file, {at, std::min(range.end, at + piece_length)}, hasher); !read)
            return tl::unexpected(read.error());
        out.push_back(PieceHash::from_raw(hasher.finish().data()));
    }
    return out;
}

}  // namespace packswarm::verify
