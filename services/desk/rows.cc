#include "desk/rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::desk {
namespace {

using yizhan::desk::v1::DeskRecord;

template <typename Message>
absl::StatusOr<Message> GetRow(const ledger::StateReader& state, const std::string& key, std::string_view reason, const std::string& what) {
  YZ_ASSIGN_OR_RETURN(auto bytes, state.Get(key));
  if (!bytes) return Refuse(absl::StatusCode::kNotFound, reason, what);
  Message message;
  if (!message.ParseFromString(*bytes)) return absl::DataLossError("a row of the desk's state is damaged: " + what);
  return message;
}

template <typename Message>
absl::StatusOr<std::vector<Message>> AllRows(const ledger::StateReader& state, const std::string& prefix) {
  std::vector<Message> all;
  YZ_RETURN_IF_ERROR(state.Scan(prefix, "", [&](std::string_view, std::string_view value) {
    Message message;
    if (message.ParseFromArray(value.data(), static_cast<int>(value.size()))) all.push_back(std::move(message));
    return true;
  }));
  return all;
}

void AppendField(std::string& out, const std::string& field) {
  AppendU64(out, field.size());
  out.append(field);
}

std::optional<std::string> TakeField(std::string_view& bytes) {
  if (bytes.size() < 8) return std::nullopt;
  const uint64_t size = LoadU64(bytes);
  if (bytes.size() - 8 < size) return std::nullopt;
  std::string field(bytes.substr(8, size));
  bytes.remove_prefix(8 + size);
  return field;
}

void SystemLine(Line& line, const std::string& conversation_id, uint64_t seq, uint64_t line_id, Line::Event event, const std::string& subject) {
  line.set_conversation_id(conversation_id);
  line.set_seq(seq);
  line.set_line_id(line_id);
  line.set_author(Line::AUTHOR_SYSTEM);
  line.set_event(event);
  line.set_subject_id(subject);
}

}  // namespace

std::string CustomerRow::Encode() const {
  std::string row;
  AppendField(row, customer.SerializeAsString());
  AppendField(row, channel_id);
  AppendField(row, conversation_id);
  return row;
}

std::optional<CustomerRow> CustomerRow::Decode(std::string_view bytes) {
  CustomerRow row;
  auto customer = TakeField(bytes), channel = TakeField(bytes), conversation = TakeField(bytes);
  if (!customer || !channel || !conversation || !row.customer.ParseFromString(*customer)) return std::nullopt;
  row.channel_id = *std::move(channel);
  row.conversation_id = *std::move(conversation);
  return row;
}

absl::StatusOr<ServiceGroup> Rows::Group(std::string_view id) const {
  return GetRow<ServiceGroup>(*state_, GroupKey(id), "NO_SUCH_GROUP", absl::StrCat("there is no service group ", std::string(id)));
}
absl::StatusOr<Channel> Rows::ChannelOf(std::string_view id) const {
  return GetRow<Channel>(*state_, ChannelKey(id), "NO_SUCH_CHANNEL", absl::StrCat("there is no channel ", std::string(id), "; check data-channel in the page that embeds the widget"));
}
absl::StatusOr<Reception> Rows::ReceptionOf(std::string_view id) const {
  return GetRow<Reception>(*state_, ReceptionKey(id), "NO_SUCH_RECEPTION", absl::StrCat("there is no reception ", std::string(id), ", or it is not yours to see"));
}

absl::StatusOr<CustomerRow> Rows::CustomerOf(std::string_view id) const {
  YZ_ASSIGN_OR_RETURN(auto bytes, state_->Get(CustomerKey(id)));
  if (!bytes) return Refuse(absl::StatusCode::kNotFound, "NO_SUCH_CUSTOMER", absl::StrCat("there is no customer ", std::string(id)));
  auto row = CustomerRow::Decode(*bytes);
  if (!row) return absl::DataLossError(absl::StrCat("the row of customer ", std::string(id), " is damaged"));
  return *std::move(row);
}

absl::StatusOr<Agent> Rows::AgentOf(std::string_view id) const {
  auto agent = GetRow<Agent>(*state_, AgentKey(id), "NO_SUCH_AGENT", "agent");
  if (!absl::IsNotFound(agent.status())) return agent;
  Agent fresh;
  fresh.set_agent_id(std::string(id));
  fresh.set_state(Agent::STATE_OFFLINE);
  fresh.set_capacity(kDefaultCapacity);
  return fresh;
}

absl::StatusOr<std::vector<std::string>> Rows::AgentsAtWork() const {
  YZ_ASSIGN_OR_RETURN(auto agents, AllRows<Agent>(*state_, AgentPrefix()));
  std::vector<std::string> ids;
  for (const Agent& agent : agents) {
    if (agent.state() != Agent::STATE_OFFLINE) ids.push_back(agent.agent_id());
  }
  return ids;
}

absl::StatusOr<std::string> Rows::CustomerOfToken(std::string_view token_hash) const {
  YZ_ASSIGN_OR_RETURN(auto id, state_->Get(TokenKey(token_hash)));
  if (!id) return absl::NotFoundError("unknown token");
  return *std::move(id);
}

absl::StatusOr<std::vector<ServiceGroup>> Rows::Groups() const { return AllRows<ServiceGroup>(*state_, GroupPrefix()); }
absl::StatusOr<std::vector<Channel>> Rows::Channels() const { return AllRows<Channel>(*state_, ChannelPrefix()); }

absl::StatusOr<std::vector<std::string>> Rows::Mine(std::string_view agent_id) const {
  std::vector<std::string> mine;
  YZ_RETURN_IF_ERROR(state_->Scan(MinePrefix(agent_id), "", [&](std::string_view key, std::string_view) {
    mine.emplace_back(TrailingConversation(key));
    return true;
  }));
  return mine;
}

absl::StatusOr<std::vector<Rows::Waiting>> Rows::Queue(std::string_view group_id, size_t limit) const {
  std::vector<Waiting> queue;
  YZ_RETURN_IF_ERROR(state_->Scan(QueuePrefix(group_id), "", [&](std::string_view key, std::string_view value) {
    queue.push_back({std::string(key), std::string(value), WaitsSince(key)});
    return queue.size() < limit;
  }));
  return queue;
}

absl::StatusOr<bool> Rows::Had(std::string_view agent_id, std::string_view conversation_id) const {
  YZ_ASSIGN_OR_RETURN(auto row, state_->Get(HadKey(agent_id, conversation_id)));
  return row.has_value();
}

absl::StatusOr<std::vector<Line>> Rows::Lines(std::string_view conversation_id, uint64_t after_seq, size_t limit, bool internal,
                                              const ledger::Keyring& keyring, bool* more) const {
  std::vector<Line> lines;
  absl::Status failed;
  if (more) *more = false;
  YZ_RETURN_IF_ERROR(state_->Scan(LinePrefix(conversation_id), LineKey(conversation_id, after_seq + 1), [&](std::string_view, std::string_view value) {
    DeskRecord record;
    if (value.size() < 8 || !record.ParseFromArray(value.data() + 8, static_cast<int>(value.size() - 8))) {
      failed = absl::DataLossError("a line is damaged");
      return false;
    }
    if (!internal && record.has_line() && record.line().internal()) return true;
    if (lines.size() == limit) {
      if (more) *more = true;
      return false;
    }
    auto line = OpenLine(record, static_cast<int64_t>(LoadU64(value)), keyring);
    if (!line.ok()) {
      failed = line.status();
      return false;
    }
    lines.push_back(*std::move(line));
    return true;
  }));
  YZ_RETURN_IF_ERROR(failed);
  return lines;
}

absl::StatusOr<Line> Rows::LineAt(std::string_view conversation_id, uint64_t seq, const ledger::Keyring& keyring) const {
  YZ_ASSIGN_OR_RETURN(auto lines, Lines(conversation_id, seq - 1, 1, true, keyring, nullptr));
  if (lines.empty() || lines[0].seq() != seq) return absl::NotFoundError(absl::StrCat("line ", seq, " is not there"));
  return lines[0];
}

absl::StatusOr<Reception> Rows::Whole(Reception reception, bool internal, const ledger::Keyring& keyring) const {
  YZ_ASSIGN_OR_RETURN(CustomerRow customer, CustomerOf(reception.customer_id()));
  *reception.mutable_customer() = customer.customer;
  // The last line that says something: system lines and what the reader may not see are passed over, a few of them.
  int looked = 0;
  absl::Status failed;
  YZ_RETURN_IF_ERROR(state_->ScanBack(LinePrefix(reception.conversation_id()), "", [&](std::string_view, std::string_view value) {
    DeskRecord record;
    if (value.size() < 8 || !record.ParseFromArray(value.data() + 8, static_cast<int>(value.size() - 8))) return false;
    if (record.has_rated() && record.rated().has_comment()) {
      // The row holds no customer's words: they are sealed in the record.
      auto comment = keyring.Open(record.rated().comment());
      if (comment.ok()) reception.set_rating_comment(*std::move(comment));
    }
    if (!record.has_line() || (record.line().internal() && !internal)) return ++looked < 20;
    auto line = OpenLine(record, static_cast<int64_t>(LoadU64(value)), keyring);
    if (line.ok()) *reception.mutable_last_line() = *std::move(line);
    return false;
  }));
  return reception;
}

absl::StatusOr<Line> OpenLine(const DeskRecord& record, int64_t time_us, const ledger::Keyring& keyring) {
  Line line;
  line.set_time_us(time_us);
  switch (record.kind_case()) {
    case DeskRecord::kLine: {
      const auto& written = record.line();
      line.set_conversation_id(written.conversation_id());
      line.set_seq(written.seq());
      line.set_line_id(written.line_id());
      line.set_client_id(written.client_id());
      line.set_author(written.author());
      line.set_author_id(written.author_id());
      line.set_internal(written.internal());
      YZ_ASSIGN_OR_RETURN(*line.mutable_text(), keyring.Open(written.text()));
      return line;
    }
    case DeskRecord::kStarted:
      SystemLine(line, record.started().conversation_id(), record.started().seq(), record.started().line_id(), Line::EVENT_STARTED, record.started().channel_id());
      return line;
    case DeskRecord::kQueued:
      SystemLine(line, record.queued().conversation_id(), record.queued().seq(), record.queued().line_id(),
                 record.queued().by_agent_id().empty() ? Line::EVENT_QUEUED : Line::EVENT_TRANSFERRED, record.queued().group_id());
      return line;
    case DeskRecord::kAssigned:
      SystemLine(line, record.assigned().conversation_id(), record.assigned().seq(), record.assigned().line_id(),
                 record.assigned().by_agent_id().empty() || record.assigned().by_agent_id() == record.assigned().agent_id() ? Line::EVENT_ASSIGNED : Line::EVENT_TRANSFERRED,
                 record.assigned().agent_id());
      return line;
    case DeskRecord::kClosed:
      SystemLine(line, record.closed().conversation_id(), record.closed().seq(), record.closed().line_id(), Line::EVENT_CLOSED, record.closed().by_agent_id());
      return line;
    case DeskRecord::kRated:
      SystemLine(line, record.rated().conversation_id(), record.rated().seq(), record.rated().line_id(), Line::EVENT_RATED, "");
      if (record.rated().has_comment()) {
        YZ_ASSIGN_OR_RETURN(*line.mutable_text(), keyring.Open(record.rated().comment()));
      }
      return line;
    default:
      return absl::DataLossError("a record that is no line");
  }
}

}  // namespace yizhan::desk
