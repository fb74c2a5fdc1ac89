#include "p2p/broker/plain_fetch.hpp"

#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/broker/ports/mirrors.hpp"

namespace packswarm::broker {

namespace {
constexpr ByteCount max_unsized = 64 * limits::mib;  // of an answer without Content-Length
constexpr auto progress_interval = Millis(100);
}  // namespace

PlainFetch::PlainFetch(TransferContext& context, Wish wish, Task started, Task progress, Then<PlainAnswer> then)
    : context_(context),
      wish_(std::move(wish)),
      started_(std::move(started)),
      progress_(std::move(progress)),
      then_(std::move(then)) {
    for (const auto& mirror : wish_.mirrors) {
        const auto known =
            wish_.has_other_way ? context_.absences.recall(mirror.url, context_.loop.now()) : std::nullopt;
        if (known)
            last_error_ = *known;
        else
            left_.push_back(mirror);
    }
    context_.loop.post(lifetime_.guard([this] { next(); }));
}

std::string PlainFetch::Wish::key() const {
    std::string out;
    const auto add = [&out](std::string_view text) { out.append(text).push_back('\n'); };
    const auto number = [](auto value) { return value ? fmt::format("{}", *value) : std::string(); };
    for (const auto& mirror : mirrors) add(mirror.url);
    add(fmt::format("{} {}", max_size, has_other_way));
    add(if_modified_since ? fmt::format("{}", if_modified_since->time_since_epoch().count()) : "");
    add(digest ? digest->hex() : "");
    for (const auto& text :
         {number(terms.begin), number(terms.end), terms.if_range, terms.cache_control, terms.user_agent})
        add(text);
    if (terms.guard)
        for (const auto port : terms.guard->ports) add(fmt::format("guarded {}", port));
    add(terms.guard ? "guarded" : "");
    return out;
}

PlainFetch::~PlainFetch() { leave(); }

void PlainFetch::leave() {
    lifetime_.end();
    then_ = nullptr;
    turn_.reset();
    if (const auto fetch = std::exchange(fetch_, FetchId::none); fetch != FetchId::none) {
        context_.mirrors.cancel(fetch);
        context_.sources.claim_ended(now_.source);
    }
    if (const auto check = std::exchange(check_, CheckId::none); check != CheckId::none) context_.trust.drop(check);
}

void PlainFetch::next() {
    if (left_.empty())
        return answer(tl::unexpected(last_error_.value_or(Error{ErrorKind::Absent, "no mirror is configured for it"})));
    now_ = left_.front();
    left_.pop_front();
    visit_ = context_.sources.claim_started(now_.source);
    MirrorRequest request;
    request.url = now_.url;
    request.max_bytes = wish_.max_size;
    asked_since_ = std::exchange(wish_.if_modified_since, {});  // what another mirror says of that date is not its file
    request.if_modified_since = asked_since_;
    request.terms = wish_.terms;
    MirrorEvents events;
    events.head = [this](const MirrorHead& answer_head) { head(answer_head); };
    events.data = [this](ByteCount offset, Bytes bytes) { data(offset, std::move(bytes)); };
    events.done = [this](Result<void> result) { done(result); };
    fetch_ = context_.mirrors.start(std::move(request), std::move(events));
}

void PlainFetch::head(const MirrorHead& answer_head) {
    context_.sources.first_byte(now_.source, answer_head.first_byte_s);
    modified_ = answer_head.last_modified;
    not_modified_ = answer_head.not_modified;
    part_ = answer_head.part;
    if (not_modified_) return;
    has_no_size_ = !part_ && !answer_head.total_size;
    if (has_no_size_) return;
    if (stage(part_ ? part_->range.length() : *answer_head.total_size)) started_();
}

bool PlainFetch::stage(ByteCount size) {
    auto file = context_.store.stage(size, Promise::loose);
    if (!file) {
        answer(tl::unexpected(file.error()));
        return false;
    }
    staged_ = *file;
    arrivals_ = std::make_unique<Arrivals>(
        context_.store, context_.arrivals,
        [this](const Arrivals::Arrival& arrival, const Result<void>& written) { landed(arrival, written); });
    return true;
}

void PlainFetch::forget() {
    arrivals_.reset();
    staged_.reset();
    part_.reset();
    has_no_size_ = is_whole_ = false;
    received_ = written_ = room_ = 0;
}

void PlainFetch::data(ByteCount offset, Bytes bytes) {
    if (!then_ || bytes.empty()) return;
    received_ += static_cast<ByteCount>(bytes.size());
    if (has_no_size_ && received_ > max_unsized)
        return answer(
            fail(ErrorKind::Refused, "{} sends more than {} bytes without saying how many", now_.url, max_unsized));
    if (!staged_ && !stage(max_unsized)) return;
    if (received_ > room_) {
        const auto room = context_.store.arrive(*staged_, received_);
        if (!room) return answer(tl::unexpected(room.error()));
        room_ = *room;
    }
    Arrivals::Arrival arrival;
    arrival.from = now_.source;
    arrival.offset = offset - (part_ ? part_->range.begin : 0);
    arrival.live.add({arrival.offset, arrival.offset + static_cast<ByteCount>(bytes.size())});
    arrival.data = std::move(bytes);
    arrivals_->add(*staged_, std::move(arrival));
}

void PlainFetch::landed(const Arrivals::Arrival& arrival, const Result<void>& written) {
    if (!then_) return;
    if (!written) return answer(tl::unexpected(written.error()));
    written_ += arrival.live.total();
    if (is_whole_ && written_ == received_) return complete();
    if (has_no_size_) return;
    const auto now = context_.loop.now();
    if (now - progressed_ < progress_interval) return;
    progressed_ = now;
    progress_();
}

void PlainFetch::done(const Result<void>& result) {
    fetch_ = FetchId::none;
    context_.sources.claim_ended(now_.source);
    if (!then_) return;
    is_whole_ = result.has_value();
    if (is_whole_) return written_ == received_ ? complete() : void();
    if (result.error().kind == ErrorKind::Refused && wish_.terms.begin && received_ == 0) {
        wish_.terms.begin.reset();  // that server gives no such part: the whole file is as good
        left_.push_front(now_);
        forget();
        return next();
    }
    last_error_ = result.error();
    if (!turn_ && received_ == 0 && context_.sources.was_crowded_out(visit_, result.error())) return wait_for_turn();
    context_.sources.failed(now_.source, result.error().kind);
    context_.absences.note(now_.url, result.error(), context_.loop.now());
    const bool handed_out = staged_ && received_ > 0 && !wish_.digest;
    if (handed_out)
        return answer(tl::unexpected(result.error()));  // somebody may have read what came: it cannot be taken back
    forget();
    next();
}

// Asked once more when the others have ended, as the asker alone would have done.
void PlainFetch::wait_for_turn() {
    turn_ = std::make_unique<Turn>(context_.loop, context_.sources, now_.source, [this] {
        left_.push_front(now_);
        wish_.if_modified_since = asked_since_;
        forget();
        next();
    });
}

void PlainFetch::complete() {
    context_.absences.forget(now_.url);
    PlainAnswer good;
    good.not_modified = not_modified_;
    good.modified = modified_;
    good.from = {SourceKind::mirror, context_.sources.label(now_.source), received_, 0};
    if (not_modified_) return answer(std::move(good));
    if (!staged_ && !stage(0)) return;  // an empty answer
    if (auto cut = has_no_size_ ? staged_->cut(received_) : Result<void>(); !cut)
        return answer(tl::unexpected(cut.error()));
    good.file = staged_;
    good.part = part_;
    if (!wish_.digest) return answer(std::move(good));
    check_ = context_.trust.begin_check(*staged_, *wish_.digest);
    context_.trust.finish(check_, [this, good = std::move(good)](Result<VerifiedFile> file) mutable {
        check_ = CheckId::none;
        if (file) return answer(std::move(good));
        last_error_ = file.error();
        context_.sources.failed(now_.source, file.error().kind);
        forget();
        next();
    });
}

void PlainFetch::answer(Result<PlainAnswer> result) {
    if (!then_) return;
    auto then = std::move(then_);
    then_ = nullptr;
    context_.loop.post([then = std::move(then), result = std::move(result)]() mutable { then(std::move(result)); });
}

}  // namespace packswarm::broker
