#include "p2p/core/format.hpp"

#include <algorithm>

#include "p2p/core/artifact.hpp"

namespace packswarm::core {

namespace {

// Of what nobody has said the format of.
class NoRules final : public FormatRules {
  public:
    std::string_view name() const override { return "none"; }
    const Habits& habits() const override { return habits_; }
    std::vector<std::string> root_paths(const Repository&) const override { return {""}; }
    std::string index_folder(const Repository&) const override { return {}; }
    std::string root_signature(const Repository&, const std::string&) const override { return {}; }
    std::optional<std::string> root_signed_at(const Repository&, const std::string&) const override { return {}; }
    std::string package_signature(const std::string&) const override { return {}; }
    std::optional<std::string> package_signed_at(const std::string&) const override { return {}; }
    PathKind classify(std::string_view) const override { return PathKind::other; }
    bool is_package_list(std::string_view) const override { return false; }
    std::vector<ListForms> package_lists(const Repository&, const IndexRoot&) const override { return {}; }
    std::optional<GatewayFile> at_gateway(std::string_view) const override { return {}; }
    std::string_view gateway_example() const override { return {}; }
    bool is_usual_client(std::string_view) const override { return false; }
    Result<IndexRoot> open_root(Signatures&, const Repository&, ByteView, std::optional<ByteView>) const override {
        return unknown();
    }
    Result<PackageList> read_list(const FileHandle&, ByteCount, std::string_view) const override { return unknown(); }
    Result<PackageList> read_kept_list(const FileHandle&, const IndexEntry&) const override { return unknown(); }
    Result<void> check_package(Signatures&, const FileHandle&, ByteCount, ByteView, const KeyringSpec&,
                               const IndexEntry&) const override {
        return unknown();
    }
    std::string machine_architecture() const override { return {}; }
    PublicNames public_names() const override { return {}; }

  private:
    static tl::unexpected<Error> unknown() { return fail(ErrorKind::Refused, "a repository without a format"); }
    const Habits habits_{};
};

}  // namespace

bool is_rewritten(PathKind kind) {
    return kind == PathKind::root || kind == PathKind::signature || kind == PathKind::index;
}

Format::Format() {
    static const NoRules rules{};
    rules_ = &rules;
}

std::optional<Format> Formats::find(std::string_view name) const {
    const auto found = std::find_if(begin(), end(), [&](Format format) { return format->name() == name; });
    return found == end() ? std::nullopt : std::optional(*found);
}

PathKind Formats::classify(std::string_view path) const {
    for (const auto format : all_)
        if (const auto kind = format->classify(path); kind != PathKind::other) return kind;
    return PathKind::other;
}

bool Formats::is_usual_client(std::string_view agent) const {
    return std::any_of(begin(), end(), [&](Format format) { return format->is_usual_client(agent); });
}

}  // namespace packswarm::core
