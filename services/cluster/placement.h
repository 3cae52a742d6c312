// Which machine should own which partition: rendezvous hashing (Thaler and Ravishankar, 1998), so that a machine that
// comes or goes moves only the partitions that are its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace yizhan::cluster {

// A machine's weight for a partition: the greatest wins. Uniform over 64 bits; frozen, because machines of two releases
// must agree.
uint64_t PlacementWeight(std::string_view node, std::string_view partition);

// The node with the greatest weight (at a tie the smaller name); empty without nodes.
std::string Place(std::string_view partition, const std::vector<std::string>& nodes);

}  // namespace yizhan::cluster
