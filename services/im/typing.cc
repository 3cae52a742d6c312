#include "im/typing.h"

#include "base/status.h"
#include "im/membership.h"

namespace yizhan::im {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);

}  // namespace

absl::Status Typing::Set(const Caller& caller, const v1::SetTypingRequest& request) {
  std::string conversation_id = request.conversation_id();
  const bool by_person = conversation_id.empty();
  if (by_person) {
    if (request.to_person_id().empty()) {
      return Refuse(absl::StatusCode::kInvalidArgument, "NO_CONVERSATION",
                    "conversation_id or to_person_id says where somebody types; both are empty");
    }
    YZ_ASSIGN_OR_RETURN(PersonNo peer, RequirePersonNo(request.to_person_id()));
    conversation_id = DirectId(caller.no, peer);
  }
  auto membership = RequireMember(*core_->ViewOf(conversation_id), conversation_id, caller.no);
  if (by_person && absl::IsNotFound(membership.status())) return absl::OkStatus();
  YZ_RETURN_IF_ERROR(membership.status());
  if (membership->head.members > kMaxChattyMembers) return absl::OkStatus();
  if (!MayPass(caller, conversation_id, request.active())) return absl::OkStatus();
  v1::TypingChanged changed;
  changed.set_conversation_id(conversation_id);
  changed.set_person_id(caller.id);
  changed.set_active(request.active());
  publish_(changed);
  return absl::OkStatus();
}

bool Typing::MayPass(const Caller& caller, const std::string& conversation_id, bool active) {
  const absl::Time now = core_->clock->Now();
  absl::MutexLock lock(&mu_);
  if (last_.size() >= kMaxTyping) {
    absl::erase_if(last_, [&](const auto& entry) { return now - entry.second.when >= kInterval; });
    if (last_.size() >= kMaxTyping) return false;
  }
  auto [found, added] = last_.try_emplace(std::make_pair(conversation_id, caller.no));
  Last& last = found->second;
  // A stop passes at once, but only one for each start.
  const bool stop = !active && last.active;
  if (!added && !stop && now - last.when < kInterval) return false;
  last = {now, active};
  return true;
}

}  // namespace yizhan::im
