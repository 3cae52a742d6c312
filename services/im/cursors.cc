#include "im/cursors.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/machine.h"
#include "im/membership.h"

namespace yizhan::im {
namespace {

std::string ToResponse(uint64_t read_seq, uint64_t delivered_seq) {
  v1::MoveCursorResponse response;
  response.set_read_seq(read_seq);
  response.set_delivered_seq(delivered_seq);
  return response.SerializeAsString();
}

absl::StatusOr<ledger::Proposal> DecideMove(const std::string& conversation_id, const Caller& caller, uint64_t read,
                                            uint64_t delivered, const ledger::StateReader& state) {
  YZ_ASSIGN_OR_RETURN(Membership membership, RequireMember(state, conversation_id, caller.no));
  const MemberRow& member = membership.member;
  read = std::max(read, member.read_seq);
  delivered = std::max(delivered, member.delivered_seq);
  ledger::Proposal proposal;
  proposal.result = ToResponse(read, delivered);
  if (read == member.read_seq && delivered == member.delivered_seq) return proposal;
  v1::ImRecord record;
  v1::CursorsMoved* moved = record.mutable_cursors();
  moved->set_conversation_id(conversation_id);
  moved->set_person_id(caller.id);
  moved->set_read_seq(read);
  moved->set_delivered_seq(delivered);
  proposal.records.push_back(ToNewRecord(record));
  return proposal;
}

}  // namespace

void Cursors::Position::Raise(const Position& to) {
  read = std::max(read, to.read);
  delivered = std::max(delivered, to.delivered);
}

void Cursors::Move(const Caller& caller, const v1::MoveCursorRequest& request, Answer answer) {
  const std::string& conversation_id = request.conversation_id();
  Position target{request.read_seq(), std::max(request.read_seq(), request.delivered_seq())};
  {
    auto view = core_->ViewOf(conversation_id);
    auto membership = RequireMember(*view, conversation_id, caller.no);
    if (!membership.ok()) return answer(membership.status());
    const MemberRow& member = membership->member;
    if (target.delivered > membership->head.last_seq) {
      return answer(Refuse(absl::StatusCode::kInvalidArgument, "SEQ_AHEAD",
                           absl::StrCat("the conversation's last seq is ", membership->head.last_seq,
                                        ": nobody can have read or received ", target.delivered)));
    }
    if (target.read <= member.read_seq && target.delivered <= member.delivered_seq) {
      return answer(ToResponse(member.read_seq, member.delivered_seq));
    }
  }
  bool first = false, full = false;
  {
    absl::MutexLock lock(&mu_);
    auto [found, added] = lanes_.try_emplace(Key(conversation_id, caller.no));
    Lane& lane = found->second;
    first = added;
    full = lane.waiting.size() >= kMaxWaitingMoves;
    if (first) {
      lane.answers.push_back(std::move(answer));
    } else if (!full) {
      lane.next.Raise(target);
      lane.waiting.push_back(std::move(answer));
    }
  }
  if (full) {
    return answer(RefuseForNow(absl::StatusCode::kResourceExhausted, "TOO_MANY_MOVES",
                               "more cursor moves of this conversation wait than is useful; send the last one again", 100));
  }
  if (first) Submit(caller, conversation_id, target);
}

void Cursors::Submit(const Caller& caller, const std::string& conversation_id, Position target) {
  core_->Submit(conversation_id, caller, {},
                [caller, conversation_id, target](const ledger::DecideContext&, const ledger::StateReader& state) {
                  return DecideMove(conversation_id, caller, target.read, target.delivered, state);
                },
                [this, caller, conversation_id](absl::StatusOr<std::string> result) {
                  Finish(caller, conversation_id, result);
                });
}

void Cursors::Finish(const Caller& caller, const std::string& conversation_id,
                     const absl::StatusOr<std::string>& result) {
  std::vector<Answer> answers;
  Position next;
  bool more = false;
  {
    absl::MutexLock lock(&mu_);
    auto found = lanes_.find(Key(conversation_id, caller.no));
    Lane& lane = found->second;
    answers.swap(lane.answers);
    more = !lane.waiting.empty();
    if (more) {
      lane.answers.swap(lane.waiting);
      next = std::exchange(lane.next, {});
    } else {
      lanes_.erase(found);
    }
  }
  if (more) Submit(caller, conversation_id, next);
  for (Answer& answer : answers) answer(result);
}

}  // namespace yizhan::im
