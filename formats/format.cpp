#include "formats/format.hpp"

#include "formats/debian/debian.hpp"
#include "formats/pacman/pacman.hpp"

namespace packswarm::formats {

namespace {

struct Row {
    core::Format format;
    const FolderRules& folders;
};

const std::vector<Row>& table() {
    static const std::vector<Row> rows{
        {debian(), debian_folders()},
        {pacman(), pacman_folders()},
    };
    return rows;
}

}  // namespace

const core::Formats& all() {
    static const core::Formats formats = [] {
        std::vector<core::Format> out;
        for (const auto& row : table()) out.push_back(row.format);
        return core::Formats(std::move(out));
    }();
    return formats;
}

core::Format usual() { return table().front().format; }

const std::vector<const FolderRules*>& all_folder_rules() {
    static const auto rules = [] {
        std::vector<const FolderRules*> out;
        for (const auto& row : table()) out.push_back(&row.folders);
        return out;
    }();
    return rules;
}

const FolderRules& folder_rules(core::Format format) {
    for (const auto& row : table())
        if (row.format == format) return row.folders;
    return table().front().folders;
}

}  // namespace packswarm::formats
