#include "im/archive.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <memory>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/content.h"
#include "im/membership.h"
#include "im/tables.h"
#include "ledger/keyring.h"

namespace yizhan::im {
namespace {

constexpr uint64_t kMaxId = std::numeric_limits<uint64_t>::max();

// Message ids, both inclusive.
struct Range {
  uint64_t low = 0;
  uint64_t high = kMaxId;
  bool unbounded() const { return low == 0 && high == kMaxId; }
};

Range RangeOf(const v1::ListArchiveRequest& request) {
  Range range;
  if (request.after_id() != 0) range.low = request.after_id() == kMaxId ? kMaxId : request.after_id() + 1;
  if (request.before_id() != 0) range.high = request.before_id() - 1;
  // 52 bits of microseconds reach the year 2112.
  constexpr int64_t kMaxTime = (int64_t{1} << 52) - 1;
  if (request.start_us() > 0) range.low = std::max(range.low, MessageIdOf(std::min(request.start_us(), kMaxTime), 0));
  if (request.end_us() != 0) {
    range.high = std::min(range.high, MessageIdOf(std::clamp<int64_t>(request.end_us(), 0, kMaxTime), 4'095));
  }
  return range;
}

struct Row {
  uint64_t seq = 0;
  uint64_t message_id = 0;
  uint64_t messages = 0;
  bool is_message = false;
  std::string record;
};

// The messages of one conversation within a range, from one end to the other.
class Source {
 public:
  Source(const ledger::StateReader* state, const Membership& membership, Range range, bool newest, size_t first_chunk)
      : state_(state), membership_(membership), range_(range), newest_(newest), chunk_(first_chunk) {
    range_.low = std::max(range_.low, membership_.head.created_id);
    range_.high = std::min(range_.high, membership_.head.last_id);
  }

  bool empty() const { return range_.low > range_.high || (done_ && rows_.empty()); }
  // Whether next() is a message's id and not merely a bound for it.
  bool exact() const { return !rows_.empty(); }
  uint64_t next() const { return exact() ? rows_.front().message_id : newest_ ? range_.high : range_.low; }

  Row Take() {
    Row row = std::move(rows_.front());
    rows_.pop_front();
    // What remains lies beyond: a bound until the next rows are read.
    (newest_ ? range_.high : range_.low) = newest_ ? row.message_id - 1 : row.message_id + 1;
    return row;
  }

  // Reads on: up to `most` messages, fewer at first, as most sources give few to a page.
  absl::Status Fill(size_t most) {
    const size_t count = std::min(most, chunk_);
    chunk_ *= 2;
    if (next_seq_ == 0) YZ_RETURN_IF_ERROR(Locate());
    if (newest_) return FillBack(count);
    return Walk(false, next_seq_, [&](Row row) {
      next_seq_ = row.seq + 1;
      if (row.is_message) rows_.push_back(std::move(row));
      return rows_.size() < count;
    }, &done_);
  }

  // How many messages the range holds: by the running counts at its ends.
  absl::StatusOr<uint64_t> Count() {
    if (range_.low > range_.high) return 0;
    Row first, last;
    for (bool back : {false, true}) {
      YZ_ASSIGN_OR_RETURN(uint64_t seq, Seek(back));
      bool found = false;
      YZ_RETURN_IF_ERROR(Walk(back, seq, [&](Row row) {
        (back ? last : first) = std::move(row);
        found = true;
        return false;
      }));
      if (!found) return 0;
    }
    return last.messages - first.messages + (first.is_message ? 1 : 0);
  }

 private:
  // The seq to begin at: at most kMarkEvery before the first of the range (or behind the last, when going back).
  absl::StatusOr<uint64_t> Seek(bool back) const {
    const uint64_t number = membership_.head.conversation_no;
    const uint64_t bound = back ? range_.high : range_.low;
    uint64_t seq = back ? membership_.last_seq() : membership_.first_seq();
    if (back ? bound >= membership_.head.last_id : bound <= membership_.head.created_id) return seq;
    absl::Status status;
    auto visit = [&](std::string_view, std::string_view value) {
      auto mark = DecodeU64(value);
      status = mark.status();
      if (mark.ok()) seq = back ? std::min(seq, *mark) : std::max(seq, *mark);
      return false;
    };
    // Going back: the first mark behind the bound. Forwards: the last mark at or before it.
    KeyBytes key = MarkKey{number, bound + 1}.Encode();
    YZ_RETURN_IF_ERROR(back ? state_->Scan(MarkKey::Prefix(number), key, visit)
                            : state_->ScanBack(MarkKey::Prefix(number), key, visit));
    YZ_RETURN_IF_ERROR(status);
    return seq;
  }

  absl::Status Locate() {
    YZ_ASSIGN_OR_RETURN(next_seq_, Seek(newest_));
    behind_mark_ = next_seq_ != membership_.last_seq();
    return absl::OkStatus();
  }

  // Seqs are contiguous, so what is behind is read forwards, which is much cheaper in RocksDB, and turned round.
  absl::Status FillBack(size_t count) {
    const uint64_t first = membership_.first_seq();
    while (rows_.size() < count && !done_) {
      // Behind a mark up to kMarkEvery rows may lie above the range.
      const uint64_t step = behind_mark_ ? std::max<uint64_t>(count, kMarkEvery) : count - rows_.size();
      behind_mark_ = false;
      const uint64_t low = next_seq_ >= first + step ? next_seq_ - step + 1 : first;
      std::vector<Row> rows;
      bool below = low == first;
      YZ_RETURN_IF_ERROR(Scan(low, next_seq_, [&](Row row) {
        if (row.message_id < range_.low) below = true;
        if (row.is_message && row.message_id >= range_.low && row.message_id <= range_.high) rows.push_back(std::move(row));
        return true;
      }));
      for (auto row = rows.rbegin(); row != rows.rend(); ++row) rows_.push_back(std::move(*row));
      done_ = below;
      next_seq_ = low - 1;
    }
    return absl::OkStatus();
  }

  // Visits the rows of seqs low to high.
  absl::Status Scan(uint64_t low, uint64_t high, absl::FunctionRef<bool(Row)> take) const {
    absl::Status status;
    const uint64_t number = membership_.head.conversation_no;
    YZ_RETURN_IF_ERROR(state_->Scan(MessageKey::Prefix(number), MessageKey{number, low}.Encode(),
                                    [&](std::string_view key_bytes, std::string_view row_bytes) {
                                      auto row = Read(key_bytes, row_bytes);
                                      status = row.status();
                                      return status.ok() && row->seq <= high && take(*std::move(row));
                                    }));
    return status;
  }

  static absl::StatusOr<Row> Read(std::string_view key_bytes, std::string_view row_bytes) {
    YZ_ASSIGN_OR_RETURN(MessageKey key, MessageKey::Decode(key_bytes));
    YZ_ASSIGN_OR_RETURN(MessageRow row, MessageRow::Decode(row_bytes));
    return Row{key.seq, row.message_id, row.messages, row.is_message(),
               row.is_message() ? std::string(row.record) : std::string()};
  }

  // Visits the range's rows from `seq` on until `take` returns false; *ended tells whether the range ended before.
  absl::Status Walk(bool back, uint64_t seq, absl::FunctionRef<bool(Row)> take, bool* ended = nullptr) const {
    const uint64_t number = membership_.head.conversation_no;
    const uint64_t first = membership_.first_seq(), last = membership_.last_seq();
    absl::Status status;
    bool wanted = true;
    auto visit = [&](std::string_view key_bytes, std::string_view row_bytes) {
      auto row = Read(key_bytes, row_bytes);
      status = row.status();
      if (!status.ok() || row->seq < first || row->seq > last) return false;
      const uint64_t id = row->message_id;
      if (back ? id > range_.high : id < range_.low) return true;  // between the mark and the range
      if (back ? id < range_.low : id > range_.high) return false;
      wanted = take(*std::move(row));
      return wanted;
    };
    YZ_RETURN_IF_ERROR(back ? state_->ScanBack(MessageKey::Prefix(number), MessageKey{number, seq + 1}.Encode(), visit)
                            : state_->Scan(MessageKey::Prefix(number), MessageKey{number, seq}.Encode(), visit));
    if (ended && wanted) *ended = true;
    return status;
  }

  const ledger::StateReader* state_;
  Membership membership_;
  Range range_;
  bool newest_;
  size_t chunk_;
  std::deque<Row> rows_;
  uint64_t next_seq_ = 0;  // 0: not located yet
  bool behind_mark_ = false;
  bool done_ = false;
};

// Takes rows from all sources in order of message id until there are `limit` of them.
absl::StatusOr<std::vector<Row>> Merge(std::vector<Source>& sources, bool newest, size_t limit) {
  auto later = [&](const Source* a, const Source* b) { return newest ? a->next() < b->next() : a->next() > b->next(); };
  std::priority_queue<Source*, std::vector<Source*>, decltype(later)> heap(later);
  for (Source& source : sources) {
    if (!source.empty()) heap.push(&source);
  }
  std::vector<Row> rows;
  size_t bytes = 0;
  while (!heap.empty() && rows.size() < limit) {
    Source* source = heap.top();
    heap.pop();
    if (source->exact()) {
      rows.push_back(source->Take());
      bytes += rows.back().record.size();
      if (bytes > kMaxPageBytes && rows.size() > 1) break;
    } else {
      YZ_RETURN_IF_ERROR(source->Fill(limit));
    }
    if (!source->empty()) heap.push(source);
  }
  return rows;
}

}  // namespace

absl::StatusOr<v1::ListArchiveResponse> Archive::List(const Caller& caller,
                                                      const v1::ListArchiveRequest& request) const {
  const Range range = RangeOf(request);
  const bool newest = request.newest();
  const size_t limit = request.page_size() == 0 ? 50 : std::min<uint32_t>(request.page_size(), 200);
  if (!request.with_person_id().empty() && !request.conversation_id().empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "AMBIGUOUS",
                  "give with_person_id or conversation_id, not both");
  }
  v1::ListArchiveResponse response;
  std::vector<std::unique_ptr<ledger::StateReader>> views;
  std::vector<Source> sources;
  uint64_t total = 0;
  const bool one = !request.with_person_id().empty() || !request.conversation_id().empty();
  if (one) {
    std::string conversation_id = request.conversation_id();
    if (conversation_id.empty()) {
      YZ_ASSIGN_OR_RETURN(PersonNo peer, RequirePersonNo(request.with_person_id()));
      conversation_id = DirectId(caller.no, peer);
    }
    views.push_back(core_->ViewOf(conversation_id));
    auto membership = RequireReader(*views.back(), conversation_id, caller.no);
    if (!membership.ok() && (!absl::IsNotFound(membership.status()) || !request.conversation_id().empty())) {
      return membership.status();
    }
    if (membership.ok()) sources.emplace_back(views.back().get(), *membership, range, newest, limit + 1);
  } else {
    views = core_->Views();
    for (const auto& view : views) {
      std::vector<std::string> ids;
      YZ_RETURN_IF_ERROR(VisitConversations(*view, caller.no, [&](std::string_view id) {
        if (id.starts_with("d:")) ids.emplace_back(id);
        return true;
      }));
      for (const std::string& id : ids) {
        YZ_ASSIGN_OR_RETURN(auto head, FindHead(*view, id));
        if (!head) return absl::DataLossError("a membership names a conversation that is not there");
        // Nobody joins or leaves a direct conversation: the member's bounds are the conversation's.
        Membership membership{*head, MemberRow{.joined_seq = 1}};
        sources.emplace_back(view.get(), membership, range, newest, 4);
        total += head->messages;
      }
    }
  }
  if (one) {
    response.set_count_known(true);
    if (!sources.empty()) {
      YZ_ASSIGN_OR_RETURN(uint64_t count, sources[0].Count());
      response.set_count(count);
    }
  } else if (range.unbounded()) {
    response.set_count_known(true);
    response.set_count(total);
  }

  // One more than the page tells whether there is more.
  YZ_ASSIGN_OR_RETURN(std::vector<Row> rows, Merge(sources, newest, limit + 1));
  size_t bytes = 0, kept = 0;
  for (; kept < rows.size() && kept < limit; ++kept) {
    bytes += rows[kept].record.size();
    if (bytes > kMaxPageBytes && kept > 0) break;
  }
  response.set_complete(kept == rows.size());
  rows.resize(kept);
  if (newest) std::reverse(rows.begin(), rows.end());
  v1::ImRecord record;
  for (const Row& row : rows) {
    if (!record.ParseFromString(row.record)) {
      return absl::DataLossError(absl::StrCat("message ", row.message_id, " is not readable"));
    }
    YZ_ASSIGN_OR_RETURN(*response.add_messages(), ToMessage(record, *core_->keyring));
  }
  return response;
}

}  // namespace yizhan::im
