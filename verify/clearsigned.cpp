#include "verify/clearsigned.hpp"

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "verify/safe_text.hpp"

namespace packswarm::verify {

namespace {

constexpr std::string_view begin_message = "-----BEGIN PGP SIGNED MESSAGE-----";
constexpr std::string_view begin_signature = "-----BEGIN PGP SIGNATURE-----";
constexpr std::string_view end_signature = "-----END PGP SIGNATURE-----";

tl::unexpected<Error> bad(std::string_view what) {
    return fail(ErrorKind::Corrupt, "not a clearsigned message: {}", what);
}

// Takes one line after the other; each part of the message knows which lines may stand in it and which one ends it.
class Cutter {
  public:
    Result<void> line(std::string_view line);
    Result<Clearsigned> finish();

  private:
    enum class Part { start, headers, text, signature, end };

    Result<void> header(std::string_view line);
    Result<void> text(std::string_view line);
    Result<void> signature(std::string_view line);
    Result<void> behind(std::string_view line);
    Result<void> keep(std::string_view line);

    Part part_ = Part::start;
    Clearsigned out_;
    bool has_text_ = false;
};

Result<void> Cutter::line(std::string_view line) {
    switch (part_) {
        case Part::start:
            if (line != begin_message) return bad("text stands before the signed part");
            part_ = Part::headers;
            return {};
        case Part::headers:
            return header(line);
        case Part::text:
            return text(line);
        case Part::signature:
            return signature(line);
        case Part::end:
            return behind(line);
    }
    return {};
}

// What headers say is not signed, and nothing is made of it. One would change how the text is read: it is refused.
Result<void> Cutter::header(std::string_view line) {
    if (line.empty()) part_ = Part::text;
    if (line.starts_with('-')) return bad("it holds a second or misplaced part");
    if (line.starts_with("NotDashEscaped")) return bad("a header that asks for text without escaped dashes");
    return {};
}

Result<void> Cutter::text(std::string_view line) {
    if (line == begin_signature) {
        part_ = Part::signature;
        return keep(line);
    }
    const bool is_escaped = line.starts_with("- ");
    if (line.starts_with('-') && !is_escaped) return bad("it holds a second or misplaced part");
    if (has_text_) out_.text += '\n';
    has_text_ = true;
    out_.text += line.substr(is_escaped ? 2 : 0);
    return {};
}

Result<void> Cutter::signature(std::string_view line) {
    if (line == end_signature)
        part_ = Part::end;
    else if (line.starts_with('-'))
        return bad("it holds a second or misplaced part");
    return keep(line);
}

// Each signature in there costs gpg a check.
Result<void> Cutter::keep(std::string_view line) {
    if (static_cast<ByteCount>(out_.signatures.size() + line.size()) > limits::max_signature)
        return bad("its signatures are too long");
    out_.signatures += line;
    out_.signatures += '\n';
    return {};
}

Result<void> Cutter::behind(std::string_view line) {
    if (line.empty()) return {};
    if (line != begin_signature) return bad("text stands after the signed part");
    part_ = Part::signature;
    return keep(line);
}

Result<Clearsigned> Cutter::finish() {
    if (part_ != Part::end) return bad("it is cut short");
    return std::move(out_);
}

}  // namespace

Result<Clearsigned> cut_clearsigned(ByteView message) {
    auto rest = as_text(message);
    if (rest.find('\0') != std::string_view::npos) return bad("it holds NUL bytes");
    Cutter cutter;
    while (!rest.empty()) {
        const auto raw = take_line(rest);
        if (static_cast<ByteCount>(raw.size()) > limits::max_release_line) return bad("a line is too long");
        const auto line = raw.substr(0, raw.find_last_not_of(" \t\r\n\v\f") + 1);
        if (auto taken = cutter.line(line); !taken) return tl::unexpected(taken.error());
    }
    return cutter.finish();
}

}  // namespace packswarm::verify
