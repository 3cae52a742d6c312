#include "im/sync.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/conversations.h"
#include "im/membership.h"

namespace yizhan::im {

absl::StatusOr<std::vector<std::string>> Sync::ConversationIds(PersonNo person) const {
  std::vector<std::string> ids;
  for (const auto& view : core_->Views()) {
    YZ_RETURN_IF_ERROR(VisitConversations(*view, person, [&](std::string_view id) {
      ids.emplace_back(id);
      return true;
    }));
  }
  return ids;
}

absl::StatusOr<v1::SyncResponse> Sync::Run(const Caller& caller, const v1::SyncRequest& request) const {
  if (request.last_seqs_size() > kMaxSyncVector) {
    return Refuse(absl::StatusCode::kInvalidArgument, "TOO_MANY_CONVERSATIONS",
                  absl::StrCat("last_seqs names at most ", kMaxSyncVector, " conversations"));
  }
  // The token is the last message id of the page's last conversation: the next page holds older ones.
  uint64_t below = std::numeric_limits<uint64_t>::max();
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &below)) {
    return Refuse(absl::StatusCode::kInvalidArgument, "INVALID_PAGE_TOKEN",
                  "page_token is what the last page gave as next_page_token, or empty");
  }
  const size_t limit = request.page_size() == 0 ? 200 : std::min<uint32_t>(request.page_size(), 500);

  struct Found {
    const ledger::StateReader* view;
    std::string id;
    HeadRow head;
  };
  std::vector<Found> found;
  absl::flat_hash_set<std::string> mine;
  const auto views = core_->Views();
  for (const auto& view : views) {
    std::vector<std::string> ids;
    YZ_RETURN_IF_ERROR(VisitConversations(*view, caller.no, [&](std::string_view id) {
      ids.emplace_back(id);
      return true;
    }));
    for (std::string& id : ids) {
      YZ_ASSIGN_OR_RETURN(auto head, FindHead(*view, id));
      if (!head) return absl::DataLossError("a membership names a conversation that is not there");
      auto known = request.last_seqs().find(id);
      const bool has_all = known != request.last_seqs().end() && known->second >= head->last_seq;
      if (known != request.last_seqs().end()) mine.insert(id);
      if (!has_all && head->last_id < below) found.push_back({view.get(), std::move(id), *head});
    }
  }

  v1::SyncResponse response;
  const size_t page = std::min(limit, found.size());
  auto newer = [](const Found& a, const Found& b) { return a.head.last_id > b.head.last_id; };
  std::partial_sort(found.begin(), found.begin() + static_cast<ptrdiff_t>(page), found.end(), newer);
  size_t bytes = 0, given = 0;
  for (; given < page && (given == 0 || bytes < kMaxPageBytes); ++given) {
    const Found& one = found[given];
    YZ_ASSIGN_OR_RETURN(auto member, FindMember(*one.view, one.head.conversation_no, caller.no));
    if (!member) return absl::DataLossError("a membership without a member");
    YZ_ASSIGN_OR_RETURN(*response.add_conversations(),
                        ToConversation(*core_, *one.view, one.id, Membership{one.head, *member}, true));
    bytes += response.conversations(static_cast<int>(given)).ByteSizeLong();
  }
  if (given < found.size()) response.set_next_page_token(absl::StrCat(found[given - 1].head.last_id));
  if (request.page_token().empty()) {
    for (const auto& [id, seq] : request.last_seqs()) {
      if (!mine.contains(id)) response.add_left_ids(id);
    }
    std::sort(response.mutable_left_ids()->begin(), response.mutable_left_ids()->end());
  }
  return response;
}

}  // namespace yizhan::im
