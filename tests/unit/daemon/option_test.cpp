#include "p2p/daemon/option.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "p2p/base/file.hpp"
#include "p2p/daemon/option_pages.hpp"

namespace packswarm::daemon {
namespace {

// Another value than this one, which the option takes.
Value another(const Option& option, const Value& value) {
    if (option.full_name() == "swarm.internet") return std::string("find");  // takes three words only
    switch (option.place.type) {
        case Type::text:
            return std::get<std::string>(value) + "1";
        case Type::truth:
            return !std::get<bool>(value);
        case Type::list:
            return std::vector<std::string>{"192.0.2.0/24", "198.51.100.0/24"};
        case Type::number:
        case Type::size:
            break;
    }
    const auto number = std::get<std::int64_t>(value);
    return number < option.place.range.most ? number + 1 : number - 1;
}

TEST(Options, EachHasHelpARangeAndADefaultWithin) {
    std::set<std::string> names;
    const Config defaults;
    for (const auto& option : options()) {
        const auto name = option.full_name();
        EXPECT_TRUE(names.insert(name).second) << name << " stands there twice";
        const std::string help = option.help;
        EXPECT_TRUE(help.size() > 20 && help.back() == '.') << name << ": " << help;
        const auto& [least, most] = option.place.range;
        if (const auto value = option.place.read(defaults); const auto* number = std::get_if<std::int64_t>(&value)) {
            EXPECT_TRUE(least <= *number && *number <= most) << name << ": " << *number;
            EXPECT_EQ(option.place.type == Type::size, most == Range{}.most) << name << " has no upper bound";
        }
    }
    EXPECT_GT(names.size(), 40u);
}

TEST(Options, NoTwoLieAtOnePlace) {
    for (const auto& option : options()) {
        Config config;
        const auto value = another(option, option.place.read(config));
        ASSERT_TRUE(option.place.write(config, value)) << option.full_name();
        for (const auto& other : options())
            EXPECT_EQ(&other == &option, other.place.read(config) != other.place.read(Config{}))
                << option.full_name() << " moves " << other.full_name();
        EXPECT_EQ(option.place.read(config), value) << option.full_name();
    }
}

// As the file has it, and as the command line has it.
TEST(Options, EachIsReadAsItIsPrinted) {
    for (const auto& option : options()) {
        const auto name = option.full_name();
        const auto value = another(option, option.place.read(Config{}));
        const auto text = value_text(value, option.place.type);
        const auto section = *option.section ? fmt::format("[{}]\n", option.section) : "";
        const auto config = parse_config(fmt::format("{}{} = {}\n", section, option.name, text), "f");
        ASSERT_TRUE(config) << config.error().message;
        EXPECT_EQ(option.place.read(*config), value) << name;

        std::string bare;  // without quotes and brackets
        for (const char sign : text)
            if (std::string_view("\"[] ").find(sign) == std::string_view::npos) bare += sign;
        Config ordered;
        ASSERT_TRUE(set_option(ordered, name, bare)) << name << " " << bare;
        EXPECT_EQ(option.place.read(ordered), value) << name;
    }
}

TEST(Options, TheInternetIsOffByDefaultAndTakesThreeWordsOnly) {
    EXPECT_EQ(Config{}.swarm.internet, swarm::Internet::off);
    const auto found = parse_config("[swarm]\ninternet = \"find-and-be-found\"\n", "f");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->swarm.internet, swarm::Internet::find_and_be_found);
    const auto wrong = parse_config("[swarm]\ninternet = \"on\"\n", "f");
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().message.find("line 2: swarm.internet: 'on' is not \"off\""), std::string::npos)
        << wrong.error().message;
}

TEST(Options, ThePrintedFileHasEachWithItsDefault) {
    const auto file = default_file();
    for (const auto& option : options()) {
        const auto value = value_text(option.place.read(Config{}), option.place.type);
        EXPECT_NE(file.find(fmt::format("\n#{} = {}\n", option.name, value)), std::string::npos) << option.full_name();
    }
    for (const auto& key : repository_keys())
        EXPECT_NE(file.find(fmt::format("\n#{} = {}", key.name, key.example)), std::string::npos) << key.name;
}

TEST(Options, TheManualPageIsWhatIsPrinted) {
    const auto tree = std::filesystem::path(PACKSWARM_TEST_DATA).parent_path().parent_path();
    const auto page = read_text(tree / "contrib/man/packswarm.toml.5", 1 << 20);
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_TRUE(*page == manual_page()) << "packswarmd --print-manual > contrib/man/packswarm.toml.5";
}

TEST(Options, OfAReloadEachEitherTakesEffectOrIsNamedAndStaysAsItWas) {
    for (const auto& option : options()) {
        const Config running;
        Config fresh;
        const auto value = another(option, option.place.read(running));
        ASSERT_TRUE(option.place.write(fresh, value));
        const auto named = keep_until_restart(running, fresh);
        if (option.applied == Applied::by_restart) {
            EXPECT_EQ(named, std::vector<std::string>{option.full_name()});
            EXPECT_EQ(option.place.read(fresh), option.place.read(running)) << option.full_name();
        } else {
            EXPECT_TRUE(named.empty()) << option.full_name();
            EXPECT_EQ(option.place.read(fresh), value) << option.full_name();
        }
    }
}

TEST(Options, WhatIsFoundOrListenedOnAndWhereFilesLieNeedsARestart) {
    for (const auto* name :
         {"state_dir", "socket", "gateway.listen", "gateway.allow", "swarm.enabled", "swarm.listen", "swarm.dht"}) {
        const std::string text = name;
        const auto dot = text.find('.');
        const auto* option =
            dot == std::string::npos ? find_option("", text) : find_option(text.substr(0, dot), text.substr(dot + 1));
        ASSERT_NE(option, nullptr) << name;
        EXPECT_EQ(option->applied, Applied::by_restart) << name;
    }
    EXPECT_EQ(find_option("store", "quota")->applied, Applied::by_reload);
    EXPECT_EQ(find_option("", "quota"), nullptr);
}

}  // namespace
}  // namespace packswarm::daemon
