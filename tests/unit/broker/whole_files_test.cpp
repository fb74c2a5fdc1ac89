#include "tests/unit/broker/whole_files.hpp"

namespace packswarm::broker {
namespace {

// Large ones: tests/component/broker.
const std::vector<WholeFiles> kinds{
    {Parts::none, 3}, {Parts::none, 9}, {Parts::from_the_start, 3}, {Parts::unnamed, 3}};

INSTANTIATE_TEST_SUITE_P(Kinds, WholeFilesTest, ::testing::ValuesIn(kinds), name_of);

}  // namespace
}  // namespace packswarm::broker
