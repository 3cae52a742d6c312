#include "cluster/placement.h"

namespace yizhan::cluster {
namespace {
// FNV-1a over the bytes, then SplitMix64's finalizer: FNV alone spreads short names badly over the high bits.
uint64_t Fnv(uint64_t hash, std::string_view bytes) {
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}
uint64_t Mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  return x ^ (x >> 31);
}
}  // namespace

uint64_t PlacementWeight(std::string_view node, std::string_view partition) {
  const uint64_t of_node = Mix(Fnv(0xcbf29ce484222325, node));
  const uint64_t of_partition = Mix(Fnv(0xcbf29ce484222325, partition) + 0x9e3779b97f4a7c15);
  return Mix(of_node ^ of_partition);
}

std::string Place(std::string_view partition, const std::vector<std::string>& nodes) {
  const std::string* best = nullptr;
  uint64_t best_weight = 0;
  for (const std::string& node : nodes) {
    const uint64_t weight = PlacementWeight(node, partition);
    if (best == nullptr || weight > best_weight || (weight == best_weight && node < *best)) {
      best = &node;
      best_weight = weight;
    }
  }
  return best == nullptr ? "" : *best;
}

}  // namespace yizhan::cluster
