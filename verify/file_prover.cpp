#include "verify/file_prover.hpp"

#include <algorithm>

#include "p2p/core/canonical.hpp"

namespace packswarm::verify {

namespace {
constexpr ByteCount read_at_once = 1 << 18;  // both hashes read it while it is in the processor's cache
}

FileProver::FileProver(KeptFile file, PieceHashes pieces)
    : file_(std::move(file)), pieces_(std::move(pieces)), piece_length_(core::piece_length(file_.size())) {
    has_good_pieces_ = !pieces_.empty() && pieces_.size() == core::piece_count(file_.size());
}

Result<void> FileProver::go_on(ByteCount bytes) {
    const ByteCount end = std::min(file_.size(), hashed_ + bytes);
    std::vector<char> buffer(static_cast<std::size_t>(std::clamp<ByteCount>(end - hashed_, 0, read_at_once)));
    while (hashed_ < end) {
        const ByteCount piece_end = (hashed_ / piece_length_ + 1) * piece_length_;
        const auto want = static_cast<std::size_t>(std::min({end, piece_end, hashed_ + read_at_once}) - hashed_);
        const auto got = read_at(file_.handle(), hashed_, {buffer.data(), want});
        if (!got) return tl::unexpected(got.error());
        if (*got != want) return fail(ErrorKind::Corrupt, "it ends before its {} bytes do", file_.size());
        add(ByteView(buffer.data(), want));
    }
    return {};
}

void FileProver::add(ByteView bytes) {
    digest_.add(bytes);
    hashed_ += static_cast<ByteCount>(bytes.size());
    if (!has_good_pieces_) return;
    piece_.add(bytes);
    if (hashed_ % piece_length_ == 0 || is_complete()) end_piece();
}

void FileProver::end_piece() {
    const auto index = static_cast<std::size_t>((hashed_ - 1) / piece_length_);
    has_good_pieces_ = piece_.finish() == pieces_[index];
    if (has_good_pieces_) checked_ = hashed_;
}

Result<ProvenFile> FileProver::finish() {
    const auto found = digest_.finish();
    if (found != file_.digest()) return fail(ErrorKind::Corrupt, "its bytes have the digest {}", found.hex());
    return ProvenFile(file_, has_good_pieces_);
}

}  // namespace packswarm::verify
