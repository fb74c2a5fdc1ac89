// rooms: hooks
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hooks/apt/config.hpp"
#include "hooks/apt/message.hpp"
#include "hooks/apt/route.hpp"

using namespace packswarm::hooks;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// Whatever the values were, what we say is one message: it reads back with the same code and as many fields.
void say_again(const AptMessage& message) {
    AptMessage reply(201, "URI Done");
    for (const auto& [name, value] : message.fields()) reply.add("URI", value);
    const auto text = reply.text();
    AptMessageReader reader;
    const auto cut = reader.feed(text);
    require(cut && cut->size() == 1 && cut->front() == text);
    const auto back = AptMessage::parse(text);
    require(back && back->code() == 201 && back->fields().size() == message.fields().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    AptMessageReader reader;
    const auto messages = reader.feed(text);
    if (!messages) return 0;
    for (const auto& raw : *messages) {
        const auto message = AptMessage::parse(raw);
        if (!message) continue;
        say_again(*message);
        const AptConfig config(*message, "http");
        (void)config.find_path("Dir::Etc::netrc");
        (void)host_of(message->find("URI"));
        (void)parse_apt_date(message->find("Last-Modified"));
        (void)parse_byte_count(message->find("Maximum-Size"));
    }
    (void)login_hosts(text);
    return 0;
}
