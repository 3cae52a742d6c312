#include "desk/tables.h"

namespace yizhan::desk {
namespace {

enum class Table : char {
  kGroup = 1, kChannel = 2, kCustomer = 3, kToken = 4, kReception = 5, kLine = 6, kQueue = 7, kAgent = 8, kMine = 9, kDone = 10, kHistory = 11, kHad = 12,
};

std::string Key(Table table, std::string_view first = {}) { return std::string(1, static_cast<char>(table)).append(first); }

std::string Key(Table table, std::string_view first, uint64_t number, std::string_view last) {
  std::string key = Key(table, first);
  AppendU64(key, number);
  return key.append(last);
}

}  // namespace

void AppendU64(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

uint64_t LoadU64(std::string_view bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

std::string GroupKey(std::string_view group_id) { return Key(Table::kGroup, group_id); }
std::string ChannelKey(std::string_view channel_id) { return Key(Table::kChannel, channel_id); }
std::string CustomerKey(std::string_view customer_id) { return Key(Table::kCustomer, customer_id); }
std::string TokenKey(std::string_view token_hash) { return Key(Table::kToken, token_hash); }
std::string ReceptionKey(std::string_view conversation_id) { return Key(Table::kReception, conversation_id); }
std::string LineKey(std::string_view conversation_id, uint64_t seq) { return Key(Table::kLine, conversation_id, seq, {}); }
std::string QueueKey(std::string_view group_id, int64_t waits_since_us, uint64_t order) {
  std::string key = Key(Table::kQueue, group_id, static_cast<uint64_t>(waits_since_us), {});
  AppendU64(key, order);
  return key;
}
std::string AgentKey(std::string_view agent_id) { return Key(Table::kAgent, agent_id); }
std::string MineKey(std::string_view agent_id, std::string_view conversation_id) { return Key(Table::kMine, agent_id).append(conversation_id); }
std::string DoneKey(std::string_view agent_id, int64_t closed_at_us, std::string_view conversation_id) {
  return Key(Table::kDone, agent_id, ~static_cast<uint64_t>(closed_at_us), conversation_id);
}
std::string HistoryKey(std::string_view customer_id, int64_t created_at_us, std::string_view conversation_id) {
  return Key(Table::kHistory, customer_id, ~static_cast<uint64_t>(created_at_us), conversation_id);
}
std::string HadKey(std::string_view agent_id, std::string_view conversation_id) { return Key(Table::kHad, agent_id).append(conversation_id); }

std::string GroupPrefix() { return Key(Table::kGroup); }
std::string ChannelPrefix() { return Key(Table::kChannel); }
std::string AgentPrefix() { return Key(Table::kAgent); }
std::string LinePrefix(std::string_view conversation_id) { return Key(Table::kLine, conversation_id); }
std::string QueuePrefix(std::string_view group_id) { return Key(Table::kQueue, group_id); }
std::string MinePrefix(std::string_view agent_id) { return Key(Table::kMine, agent_id); }
std::string DonePrefix(std::string_view agent_id) { return Key(Table::kDone, agent_id); }
std::string HistoryPrefix(std::string_view customer_id) { return Key(Table::kHistory, customer_id); }

std::string_view TrailingConversation(std::string_view key) {
  return key.size() < kConversationIdBytes ? std::string_view() : key.substr(key.size() - kConversationIdBytes);
}
int64_t WaitsSince(std::string_view key) { return key.size() < 16 ? 0 : static_cast<int64_t>(LoadU64(key.substr(key.size() - 16))); }
int64_t ClosedAt(std::string_view key) {
  return key.size() < kConversationIdBytes + 8 ? 0 : static_cast<int64_t>(~LoadU64(key.substr(key.size() - kConversationIdBytes - 8)));
}

}  // namespace yizhan::desk
