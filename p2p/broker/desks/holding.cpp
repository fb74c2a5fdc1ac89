#include "p2p/broker/desks/holding.hpp"

#include <memory>
#include <utility>

namespace packswarm::broker {

void Holding::deliver(std::vector<RequestId> askers, Bytes bytes, Delivered as, const char* reason) {
    as.size = static_cast<ByteCount>(bytes.size());
    hold(std::move(bytes), lifetime_.guard([this, askers = std::move(askers), as = std::move(as),
                                            reason](Result<SharedBytes> held) mutable {
        if (held) as.bytes = *held;
        for (const auto id : askers) held ? askers_.deliver(id, as, {reason}) : askers_.fail(id, held.error(), {});
    }));
}

void Holding::hold(Bytes bytes, Then<SharedBytes> then) {
    const auto cannot = [&](Error error) {
        loop_.post([then = std::move(then), error = std::move(error)] { then(tl::unexpected(error)); });
    };
    auto file = store_.stage(static_cast<ByteCount>(bytes.size()), Promise::listed);
    if (!file) return cannot(file.error());
    if (auto room = store_.arrive(*file, file->size()); !room) return cannot(room.error());
    store_.write(*file, {{0, std::move(bytes)}}, [file = *file, then = std::move(then)](const Result<void>& written) {
        if (!written) return then(tl::unexpected(written.error()));
        const auto staged = std::make_shared<const StagedFile>(file);
        then(SharedBytes(staged, &staged->handle()));
    });
}

}  // namespace packswarm::broker
