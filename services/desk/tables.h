// The key schema of desk/0's state. Frozen: tables_test.cc holds the very bytes. Ids of one kind have one length, so that fixed fields
// come first; integers are big-endian. Numbers of removed tables are never used again; none so far.
//
//   table          key                                          row
//   1 group        group id                                     ServiceGroup
//   2 channel      channel id                                   Channel
//   3 customer     customer id                                  CustomerRow: Customer, channel, reception
//   4 token        SHA-256 of a visitor's token                 customer id
//   5 reception    conversation id                              Reception, without customer and last line
//   6 line         conversation id · seq(8)                     LineRow: time(8), then the DeskRecord
//   7 queue        group id · waits since(8) · seq(8)           conversation id
//   8 agent        agent id                                     Agent, without groups
//   9 mine         agent id · conversation id                   -        what an agent has
//  10 done         agent id · closed at, inverted(8) · conversation id    -
//  11 history      customer id · created at, inverted(8) · conversation id    -
//  12 had          agent id · conversation id                   -        what an agent ever had
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace yizhan::desk {

inline constexpr size_t kConversationIdBytes = 22;

std::string GroupKey(std::string_view group_id);
std::string ChannelKey(std::string_view channel_id);
std::string CustomerKey(std::string_view customer_id);
std::string TokenKey(std::string_view token_hash);
std::string ReceptionKey(std::string_view conversation_id);
std::string LineKey(std::string_view conversation_id, uint64_t seq);
std::string QueueKey(std::string_view group_id, int64_t waits_since_us, uint64_t order);
std::string AgentKey(std::string_view agent_id);
std::string MineKey(std::string_view agent_id, std::string_view conversation_id);
std::string DoneKey(std::string_view agent_id, int64_t closed_at_us, std::string_view conversation_id);
std::string HistoryKey(std::string_view customer_id, int64_t created_at_us, std::string_view conversation_id);
std::string HadKey(std::string_view agent_id, std::string_view conversation_id);

// The beginning of all keys of a table, and of those of one owner.
std::string GroupPrefix();
std::string ChannelPrefix();
std::string AgentPrefix();
std::string LinePrefix(std::string_view conversation_id);
std::string QueuePrefix(std::string_view group_id);
std::string MinePrefix(std::string_view agent_id);
std::string DonePrefix(std::string_view agent_id);
std::string HistoryPrefix(std::string_view customer_id);

// The conversation id at the end of a mine, done or history key.
std::string_view TrailingConversation(std::string_view key);
// When the entry of a queue key began to wait.
int64_t WaitsSince(std::string_view key);
// When the entry of a done key was closed.
int64_t ClosedAt(std::string_view key);

void AppendU64(std::string& out, uint64_t value);
uint64_t LoadU64(std::string_view bytes);  // of at least 8 bytes

}  // namespace yizhan::desk
