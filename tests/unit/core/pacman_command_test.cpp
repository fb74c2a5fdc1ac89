#include "p2p/core/pacman_command.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::core {
namespace {

using Words = std::vector<std::string>;

Result<PacmanCommand> parse(const Words& words) {
    std::string text;
    for (const auto& word : words) text += word + '\0';
    return parse_pacman_command(text);
}

// What pacman would be given to print, without what is the same for all.
std::string asked(const Words& words) {
    const auto command = parse(words);
    if (!command) return "refused";
    std::string out;
    const auto all = printing_arguments(*command);
    for (std::size_t at = 7; at < all.size(); ++at) out += (at > 7 ? " " : "") + all[at];
    return out;
}

TEST(PacmanCommand, IsAskedWithTheSameTargetsAndWithoutRefresh) {
    EXPECT_EQ(asked({"pacman", "-Syu"}), "--sysupgrade --");
    EXPECT_EQ(asked({"pacman", "-Syyuu", "--noconfirm", "extra/gcc", "sh", "glibc>=2.36"}),
              "--sysupgrade --sysupgrade -- extra/gcc sh glibc>=2.36");
    EXPECT_EQ(asked({"/usr/bin/pacman", "--sync", "-w", "base-devel", "--needed", "-dd"}),
              "--nodeps --nodeps --downloadonly --needed -- base-devel");
    EXPECT_EQ(asked({"pacman", "-S", "--", "gtk4"}), "-- gtk4");
}

TEST(PacmanCommand, OnlyPrintsAndNeverAsks) {
    const auto all = printing_arguments(*parse({"pacman", "-Su"}));
    EXPECT_EQ(Words(all.begin(), all.begin() + 7),
              (Words{"--sync", "--print", "--print-format", "%r %s %l", "--noconfirm", "--color", "never"}));
}

TEST(PacmanCommand, KeepsWhatDecidesWhichPackagesAndMarksPaths) {
    EXPECT_EQ(asked({"pacman", "-Su", "--ignore", "linux,nvidia*", "--arch=x86_64", "--ignoregroup=gnome",
                     "--overwrite", "*", "--logfile", "-x"}),
              "--sysupgrade --ignore linux,nvidia* --arch x86_64 --ignoregroup gnome --");
    const auto command =
        parse({"pacman", "--config", "/etc/other.conf", "-Sb/mnt/db", "-r", "/mnt", "--cachedir=/mnt/cache", "x"});
    ASSERT_TRUE(command) << command.error().message;
    ASSERT_EQ(command->options.size(), 4u);
    for (const auto& option : command->options) EXPECT_TRUE(option.is_path) << option.name;
    EXPECT_EQ(command->options[1].name + command->options[1].value, "--dbpath/mnt/db");
}

TEST(PacmanCommand, AnythingElseIsRefused) {
    const std::vector<Words> wrong{
        {},
        {"pacman"},
        {"pacman", "-S"},
        {"pacman", "-Sy"},
        {"pacman", "-U", "x"},
        {"pacman", "-Rs", "x"},
        {"pacman", "x"},
        {"pacman", "-Sc"},
        {"pacman", "-Ss", "x"},
        {"pacman", "-Si", "x"},
        {"pacman", "-Sg"},
        {"pacman", "-Sl"},
        {"pacman", "-Sp", "x"},
        {"pacman", "-S", "--print", "x"},
        {"pacman", "-S", "--print-format", "%n", "x"},
        {"pacman", "-S", "--sysroot", "/mnt", "x"},
        {"pacman", "-S", "--debug", "x"},
        {"pacman", "-S", "--ask", "4", "x"},
        {"pacman", "-S", "--conf", "/etc/pacman.conf", "x"},
        {"pacman", "-S", "-"},
        {"pacman", "-S", "--needed=1", "x"},
        {"pacman", "-S", "x", "--config"},
        {"pacman", "-S", "x", "--config", "rel.conf"},
        {"pacman", "-S", "x", "--arch", "-p"},
        {"pacman", "-S", "x", "--arch", "a b"},
        {"pacman", "-S", "--", "-p"},
        {"pacman", "-S", "a/b/c"},
        {"pacman", "-S", "a b"},
        {"pacman", "-S", "$(x)"},
        {"pacman", "-S", ""},
        {"pacman", "-S", "../x"},
        {"pacman", "-S", "x", "--config", "/etc/\n"},
        {"pacman", "-S", std::string(limits::max_name + 1, 'x')},
        {"pacman", "-S", std::string(limits::max_pacman_command, 'x')},
    };
    for (const auto& words : wrong) EXPECT_FALSE(parse(words)) << (words.empty() ? "" : words.back().substr(0, 40));
    Words many{"pacman", "-S"};
    many.insert(many.end(), limits::max_pacman_targets + 1, "x");
    EXPECT_FALSE(parse(many));
    EXPECT_FALSE(parse_pacman_command(std::string("pacman\0-S\0\0\0", 12)));
}

TEST(PrintedPackages, AreRepositoriesAndFiles) {
    const auto list = parse_printed_packages(
        "core 123 http://127.0.0.1:7878/core/os/x86_64/libsigc++-2.0-1:2.12-1-x86_64.pkg.tar.zst\n"
        "warning: Public keyring not found\n"
        "extra 0 file:///var/cache/pacman/pkg/a-1-1-any.pkg.tar.zst\n"
        "extra 7 nowhere\n lab 1\n\n"
        "lab 5 https://m/lab/x-1~rc-1-any.pkg.tar.xz");
    ASSERT_TRUE(list);
    ASSERT_EQ(list->size(), 3u);
    EXPECT_EQ((*list)[0].repository, "core");
    EXPECT_EQ((*list)[0].file, "libsigc++-2.0-1:2.12-1-x86_64.pkg.tar.zst");
    EXPECT_FALSE((*list)[0].is_here);
    EXPECT_TRUE((*list)[1].is_here);
    EXPECT_EQ((*list)[2].file, "x-1~rc-1-any.pkg.tar.xz");
}

TEST(PrintedPackages, HaveABound) {
    std::string text;
    for (std::size_t i = 0; i <= limits::max_printed_packages; ++i) text += "a 1 http://m/x\n";
    EXPECT_FALSE(parse_printed_packages(text));
}

}  // namespace
}  // namespace packswarm::core
