#include "desk/visitors.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/rpc/hub.h"
#include "base/status.h"
#include "desk/events.h"
#include "desk/origins.h"
#include "desk/routing.h"

namespace yizhan::desk {
namespace {

using namespace yizhan::desk::v1;  // NOLINT: the contract's nouns are this file's

constexpr size_t kMaxText = 10'000;
constexpr size_t kMaxName = 60;
constexpr int64_t kTokenLifeUs = 365ll * 86'400 * 1'000'000;
constexpr size_t kPlacesShown = 1'000;

std::string HashOf(std::string_view token) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest);
  return std::string(reinterpret_cast<char*>(digest), sizeof digest);
}

std::string NewToken() {
  std::string encoded;
  absl::WebSafeBase64Escape(RandomBytes(32), &encoded);
  return "yzv_" + encoded;
}

absl::StatusOr<bool> Staffed(const Rows& rows, const std::string& group_id) {
  YZ_ASSIGN_OR_RETURN(ServiceGroup group, rows.Group(group_id));
  for (const std::string& id : group.agent_ids()) {
    YZ_ASSIGN_OR_RETURN(Agent agent, rows.AgentOf(id));
    if (agent.state() == Agent::STATE_ONLINE) return true;
  }
  return false;
}

bool IsOpen(const Reception& reception) { return reception.owner() == OWNER_QUEUE || reception.owner() == OWNER_AGENT; }

}  // namespace

absl::StatusOr<uint32_t> QueuePlace(const Rows& rows, const Reception& reception) {
  if (reception.owner() != OWNER_QUEUE) return 0;
  YZ_ASSIGN_OR_RETURN(auto queue, rows.Queue(reception.group_id(), kPlacesShown));
  auto it = std::find_if(queue.begin(), queue.end(), [&](const Rows::Waiting& w) { return w.conversation_id == reception.conversation_id(); });
  return it == queue.end() ? 0 : static_cast<uint32_t>(it - queue.begin()) + 1;
}

absl::StatusOr<Reception> ForCustomer(const Rows& rows, Reception reception, const ledger::Keyring& keyring) {
  YZ_ASSIGN_OR_RETURN(Reception whole, rows.Whole(std::move(reception), false, keyring));
  whole.clear_last_seq();  // would tell of internal notes
  return whole;
}

absl::StatusOr<rpc::Principal> Visitors::Introspect(std::string_view token) const {
  return core_->Read([&](const Rows& rows) -> absl::StatusOr<rpc::Principal> {
    auto id = rows.CustomerOfToken(HashOf(token));
    if (absl::IsNotFound(id.status())) {
      return Refused(absl::StatusCode::kUnauthenticated, "TOKEN_UNKNOWN", "this visitor's token is not known here; start a new visit");
    }
    YZ_RETURN_IF_ERROR(id.status());
    YZ_ASSIGN_OR_RETURN(CustomerRow customer, rows.CustomerOf(*id));
    rpc::Principal principal;
    principal.set_kind(rpc::Principal::KIND_VISITOR);
    principal.set_id(*id);
    principal.set_session_id(*id);
    principal.set_expires_at_us(customer.customer.created_at_us() + kTokenLifeUs);
    return principal;
  });
}

void Visitors::StartVisit(const rpc::Context& context, const StartVisitRequest& request, rpc::Reply<StartVisitResponse> reply) {
  auto channel = core_->Read([&](const Rows& rows) { return rows.ChannelOf(request.channel_id()); });
  if (!channel.ok()) return reply.Error(channel.status());
  if (absl::Status status = CheckEmbedding(*channel, request.origin()); !status.ok()) return reply.Error(status);
  if (!request.name().empty()) {
    if (absl::Status status = CheckText(request.name(), kMaxName); !status.ok()) return reply.Error(status);
  }

  // A token that is still good names the visitor; anything else makes a new one.
  std::string token = request.token(), customer_id;
  if (!token.empty()) {
    if (auto known = Introspect(token); known.ok()) customer_id = known->id();
  }
  DeskRecord record;
  auto* put = record.mutable_customer_put();
  if (customer_id.empty()) {
    token = NewToken();
    customer_id = "c" + RandomName(16);
    put->set_token_hash(HashOf(token));
    put->mutable_customer()->set_name(request.name());
  }
  put->set_channel_id(request.channel_id());
  put->mutable_customer()->set_language(request.language().substr(0, 20));
  put->mutable_customer()->set_customer_id(customer_id);
  const std::string name = request.name();
  auto shared = std::make_shared<rpc::Reply<StartVisitResponse>>(std::move(reply));
  core_->Submit(
      "visitor:" + customer_id, "",
      [record, name](Draft& draft) mutable -> absl::StatusOr<std::string> {
        auto* put = record.mutable_customer_put();
        auto known = draft.rows().CustomerOf(put->customer().customer_id());
        if (known.ok()) {
          Customer customer = known->customer;
          if (!name.empty()) customer.set_name(name);
          if (!put->customer().language().empty()) customer.set_language(put->customer().language());
          if (customer.SerializeAsString() == known->customer.SerializeAsString() && known->channel_id == put->channel_id()) return std::string();
          *put->mutable_customer() = customer;
        } else {
          put->mutable_customer()->set_created_at_us(draft.time_us());
          if (name.empty()) put->mutable_customer()->set_name(absl::StrCat("Visitor ", put->customer().customer_id().substr(13)));
        }
        YZ_RETURN_IF_ERROR(draft.Add(record));
        return std::string();
      },
      [this, shared, token, customer_id, channel = *channel](absl::StatusOr<std::string> result) {
        if (!result.ok()) return shared->Error(result.status());
        shared->Finish(core_->Read([&](const Rows& rows) -> absl::StatusOr<StartVisitResponse> {
          StartVisitResponse response;
          response.set_token(token);
          YZ_ASSIGN_OR_RETURN(CustomerRow customer, rows.CustomerOf(customer_id));
          *response.mutable_customer() = customer.customer;
          response.set_greeting(channel.greeting());
          YZ_ASSIGN_OR_RETURN(bool staffed, Staffed(rows, channel.group_id()));
          response.set_staffed(staffed);
          if (!customer.conversation_id.empty()) {
            YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(customer.conversation_id));
            if (IsOpen(reception)) {
              YZ_ASSIGN_OR_RETURN(uint32_t place, QueuePlace(rows, reception));
              response.set_position(place);
              YZ_ASSIGN_OR_RETURN(*response.mutable_reception(), ForCustomer(rows, std::move(reception), core_->keyring()));
            }
          }
          return response;
        }));
      });
}

void Visitors::SendLine(const rpc::Context& context, const SendLineRequest& request, rpc::Reply<SendLineResponse> reply) {
  absl::Status checked = CheckText(request.text(), kMaxText);
  if (checked.ok()) checked = CheckClientId(request.client_id());
  if (!checked.ok()) return reply.Error(checked);
  const std::string customer_id = context.caller.id();
  const std::string actor = context.Actor();
  auto shared = std::make_shared<rpc::Reply<SendLineResponse>>(std::move(reply));
  core_->Seal(customer_id, request.text(), [this, shared, request, customer_id, actor](absl::StatusOr<common::v1::Sealed> sealed) {
    if (!sealed.ok()) return shared->Error(sealed.status());
    core_->Submit(
        actor, "line:" + request.client_id(),
        [request, customer_id, sealed = *std::move(sealed), fresh_id = "r:" + RandomName(20)](Draft& draft) -> absl::StatusOr<std::string> {
          YZ_ASSIGN_OR_RETURN(CustomerRow customer, draft.rows().CustomerOf(customer_id));
          std::string conversation_id = customer.conversation_id;
          bool open = false;
          if (!conversation_id.empty()) {
            YZ_ASSIGN_OR_RETURN(Reception last, draft.rows().ReceptionOf(conversation_id));
            open = IsOpen(last);
          }
          Channel channel;
          if (!open) {
            YZ_ASSIGN_OR_RETURN(channel, draft.rows().ChannelOf(customer.channel_id));
            conversation_id = fresh_id;
            DeskRecord started;
            started.mutable_started()->set_conversation_id(conversation_id);
            started.mutable_started()->set_seq(1);
            started.mutable_started()->set_line_id(draft.NextLineId());
            started.mutable_started()->set_customer_id(customer_id);
            started.mutable_started()->set_channel_id(customer.channel_id);
            started.mutable_started()->set_page_url(request.page_url().substr(0, 2'000));
            YZ_RETURN_IF_ERROR(draft.Add(started));
          }
          YZ_ASSIGN_OR_RETURN(Reception reception, draft.rows().ReceptionOf(conversation_id));
          DeskRecord record;
          auto* line = record.mutable_line();
          line->set_conversation_id(conversation_id);
          line->set_seq(reception.last_seq() + 1);
          line->set_line_id(draft.NextLineId());
          line->set_client_id(request.client_id());
          line->set_author(Line::AUTHOR_CUSTOMER);
          line->set_author_id(customer_id);
          *line->mutable_text() = sealed;
          YZ_RETURN_IF_ERROR(draft.Add(record));
          if (!open) {
            YZ_RETURN_IF_ERROR(Enqueue(draft, conversation_id, channel.group_id(), false, ""));
            YZ_RETURN_IF_ERROR(RouteGroup(draft, channel.group_id()));
          }
          // The answer without its text: it is opened again for whoever asks.
          Line result;
          result.set_conversation_id(conversation_id);
          result.set_seq(line->seq());
          return result.SerializeAsString();
        },
        [this, shared](absl::StatusOr<std::string> result) {
          if (!result.ok()) return shared->Error(result.status());
          Line at;
          if (!at.ParseFromString(*result)) return shared->Error(absl::InternalError("unreadable result"));
          shared->Finish(core_->Read([&](const Rows& rows) -> absl::StatusOr<SendLineResponse> {
            SendLineResponse response;
            YZ_ASSIGN_OR_RETURN(*response.mutable_line(), rows.LineAt(at.conversation_id(), at.seq(), core_->keyring()));
            YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(at.conversation_id()));
            YZ_ASSIGN_OR_RETURN(*response.mutable_reception(), ForCustomer(rows, std::move(reception), core_->keyring()));
            return response;
          }));
        });
  });
}

absl::StatusOr<ListLinesResponse> Visitors::ListLines(const std::string& customer_id, const ListLinesRequest& request) const {
  return core_->Read([&](const Rows& rows) -> absl::StatusOr<ListLinesResponse> {
    ListLinesResponse response;
    YZ_ASSIGN_OR_RETURN(CustomerRow customer, rows.CustomerOf(customer_id));
    if (customer.conversation_id.empty()) return response;
    YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(customer.conversation_id));
    const size_t page = request.page_size() == 0 ? 100 : std::min(request.page_size(), 200u);
    bool more = false;
    YZ_ASSIGN_OR_RETURN(auto lines, rows.Lines(customer.conversation_id, request.after_seq(), page, false, core_->keyring(), &more));
    for (Line& line : lines) *response.add_lines() = std::move(line);
    response.set_more(more);
    YZ_ASSIGN_OR_RETURN(uint32_t place, QueuePlace(rows, reception));
    response.set_position(place);
    YZ_ASSIGN_OR_RETURN(*response.mutable_reception(), ForCustomer(rows, std::move(reception), core_->keyring()));
    return response;
  });
}

void Visitors::Rate(const rpc::Context& context, const RateRequest& request, rpc::Reply<RateResponse> reply) {
  if (request.rating() < 1 || request.rating() > 5) {
    return reply.Error(Refused(absl::StatusCode::kInvalidArgument, "BAD_RATING", "a rating is a whole number from 1 to 5"));
  }
  if (!request.comment().empty()) {
    if (absl::Status status = CheckText(request.comment(), 1'000); !status.ok()) return reply.Error(status);
  }
  const std::string customer_id = context.caller.id();
  const std::string actor = context.Actor();
  auto shared = std::make_shared<rpc::Reply<RateResponse>>(std::move(reply));
  core_->Seal(customer_id, request.comment(), [this, shared, request, customer_id, actor](absl::StatusOr<common::v1::Sealed> sealed) {
    if (!sealed.ok()) return shared->Error(sealed.status());
    core_->Submit(
        actor, "rate:" + request.conversation_id(),
        [request, customer_id, sealed = *std::move(sealed)](Draft& draft) -> absl::StatusOr<std::string> {
          YZ_ASSIGN_OR_RETURN(Reception reception, draft.rows().ReceptionOf(request.conversation_id()));
          if (reception.customer_id() != customer_id) {
            return Refused(absl::StatusCode::kNotFound, "NO_SUCH_RECEPTION", absl::StrCat("there is no reception ", request.conversation_id(), ", or it is not yours to see"));
          }
          if (reception.owner() != OWNER_NONE) {
            return Refused(absl::StatusCode::kFailedPrecondition, "NOT_CLOSED", "a conversation can be rated once it has ended");
          }
          if (reception.rating() != 0) return Refused(absl::StatusCode::kAlreadyExists, "ALREADY_RATED", "this conversation was rated already");
          DeskRecord record;
          auto* rated = record.mutable_rated();
          rated->set_conversation_id(request.conversation_id());
          rated->set_seq(reception.last_seq() + 1);
          rated->set_line_id(draft.NextLineId());
          rated->set_rating(request.rating());
          if (!request.comment().empty()) *rated->mutable_comment() = sealed;
          YZ_RETURN_IF_ERROR(draft.Add(record));
          return std::string();
        },
        [this, shared, request](absl::StatusOr<std::string> result) {
          if (!result.ok()) return shared->Error(result.status());
          shared->Finish(core_->Read([&](const Rows& rows) -> absl::StatusOr<RateResponse> {
            RateResponse response;
            YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(request.conversation_id()));
            YZ_ASSIGN_OR_RETURN(*response.mutable_reception(), ForCustomer(rows, std::move(reception), core_->keyring()));
            return response;
          }));
        });
  });
}

void Visitors::EndVisit(const rpc::Context& context, rpc::Reply<EndVisitResponse> reply) {
  const std::string customer_id = context.caller.id();
  auto shared = std::make_shared<rpc::Reply<EndVisitResponse>>(std::move(reply));
  core_->Submit(
      context.Actor(), "",
      [customer_id](Draft& draft) -> absl::StatusOr<std::string> {
        YZ_ASSIGN_OR_RETURN(CustomerRow customer, draft.rows().CustomerOf(customer_id));
        if (customer.conversation_id.empty()) return Refused(absl::StatusCode::kFailedPrecondition, "NOTHING_OPEN", "there is no conversation to end");
        YZ_ASSIGN_OR_RETURN(Reception reception, draft.rows().ReceptionOf(customer.conversation_id));
        if (!IsOpen(reception)) return customer.conversation_id;  // it has ended already
        const std::string agent = reception.agent_id();
        YZ_RETURN_IF_ERROR(CloseReception(draft, customer.conversation_id, ""));
        if (!agent.empty()) YZ_RETURN_IF_ERROR(RouteForAgent(draft, agent));
        return customer.conversation_id;
      },
      [this, shared](absl::StatusOr<std::string> conversation_id) {
        if (!conversation_id.ok()) return shared->Error(conversation_id.status());
        shared->Finish(core_->Read([&](const Rows& rows) -> absl::StatusOr<EndVisitResponse> {
          EndVisitResponse response;
          YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(*conversation_id));
          YZ_ASSIGN_OR_RETURN(*response.mutable_reception(), ForCustomer(rows, std::move(reception), core_->keyring()));
          return response;
        }));
      });
}

void Visitors::Register(rpc::ServiceTable& table, rpc::Hub* const* hub) {
  const std::string service = "/yizhan.desk.v1.VisitorService/";
  table.Unary<StartVisitRequest, StartVisitResponse>(service + "StartVisit", [this](const rpc::Context& context, const StartVisitRequest& request, auto reply) {
    StartVisit(context, request, std::move(reply));
  });
  table.Unary<SendLineRequest, SendLineResponse>(service + "SendLine", [this](const rpc::Context& context, const SendLineRequest& request, auto reply) {
    SendLine(context, request, std::move(reply));
  });
  table.Unary<ListLinesRequest, ListLinesResponse>(service + "ListLines", [this](const rpc::Context& context, const ListLinesRequest& request, auto reply) {
    reply.Finish(ListLines(context.caller.id(), request));
  });
  table.Unary<RateRequest, RateResponse>(service + "Rate", [this](const rpc::Context& context, const RateRequest& request, auto reply) {
    Rate(context, request, std::move(reply));
  });
  table.Unary<EndVisitRequest, EndVisitResponse>(service + "EndVisit", [this](const rpc::Context& context, const EndVisitRequest&, auto reply) {
    EndVisit(context, std::move(reply));
  });
  table.Unary<VisitorSetTypingRequest, VisitorSetTypingResponse>(
      service + "SetTyping", [this, hub](const rpc::Context& context, const VisitorSetTypingRequest& request, auto reply) {
        auto customer = core_->Read([&](const Rows& rows) { return rows.CustomerOf(context.caller.id()); });
        if (!customer.ok()) return reply.Error(customer.status());
        if (request.preview().size() > 2'000) return reply.Error(Refused(absl::StatusCode::kInvalidArgument, "TEXT_TOO_LONG", "a preview has at most 500 characters"));
        if (!customer->conversation_id.empty()) {
          PublishTyping(*hub, AgentsTopic(customer->conversation_id), customer->conversation_id, context.caller.id(), request.active(), request.preview());
        }
        reply.Ok({});
      });
  table.Unary<ListEmbeddingSitesRequest, ListEmbeddingSitesResponse>(
      service + "ListEmbeddingSites", [this](const rpc::Context&, const ListEmbeddingSitesRequest& request, auto reply) {
        auto channel = core_->Read([&](const Rows& rows) { return rows.ChannelOf(request.channel_id()); });
        if (!channel.ok() && !absl::IsNotFound(channel.status())) return reply.Error(channel.status());
        ListEmbeddingSitesResponse response;
        if (channel.ok()) *response.mutable_origins() = channel->allowed_origins();
        reply.Ok(response);
      });
  table.Unary<IntrospectVisitorRequest, IntrospectVisitorResponse>(service + "Introspect", [this](const rpc::Context&, const IntrospectVisitorRequest& request, auto reply) {
    auto principal = Introspect(request.token());
    if (!principal.ok()) return reply.Error(principal.status());
    IntrospectVisitorResponse response;
    *response.mutable_principal() = *std::move(principal);
    reply.Ok(response);
  });
}

}  // namespace yizhan::desk
