// Name: a text that names one kind of thing. Names of two kinds do not compare, and no text becomes a name by itself.
// Not here: what the names of a kind are made of. Any thread.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace packswarm {

template <class Kind>
class Name final {
  public:
    Name() = default;
    explicit Name(std::string text) : text_(std::move(text)) {}
    const std::string& text() const { return text_; }
    bool empty() const { return text_.empty(); }
    friend auto operator<=>(const Name&, const Name&) = default;

  private:
    std::string text_;
};

}  // namespace packswarm

template <class Kind>
struct std::hash<packswarm::Name<Kind>> {
    std::size_t operator()(const packswarm::Name<Kind>& name) const noexcept {
        return std::hash<std::string>()(name.text());
    }
};

template <class Kind>
struct fmt::formatter<packswarm::Name<Kind>> : fmt::formatter<std::string_view> {
    auto format(const packswarm::Name<Kind>& name, fmt::format_context& context) const {
        return fmt::formatter<std::string_view>::format(name.text(), context);
    }
};
