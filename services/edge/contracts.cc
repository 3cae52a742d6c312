#include "edge/contracts.h"

#include "yizhan/admin/v1/admin_service.pb.h"
#include "yizhan/audit/v1/archive_service.pb.h"
#include "yizhan/desk/v1/agent_service.pb.h"
#include "yizhan/desk/v1/visitor_service.pb.h"
#include "yizhan/directory/v1/directory_service.pb.h"
#include "yizhan/directory/v1/session_service.pb.h"
#include "yizhan/im/v1/conversation_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"
#include "yizhan/ledger/v1/ledger_service.pb.h"
#include "yizhan/live/v1/link_service.pb.h"
#include "yizhan/live/v1/live_service.pb.h"

namespace yizhan::edge {

void LinkContracts() {
  static const bool linked = [] {
    (void)yizhan::admin::v1::GetHealthRequest::descriptor();
    (void)yizhan::audit::v1::SearchRequest::descriptor();
    (void)yizhan::desk::v1::GetWorkbenchRequest::descriptor();
    (void)yizhan::desk::v1::StartVisitRequest::descriptor();
    (void)yizhan::directory::v1::GetPersonRequest::descriptor();
    (void)yizhan::directory::v1::LogInRequest::descriptor();
    (void)yizhan::im::v1::SyncRequest::descriptor();
    (void)yizhan::im::v1::SendMessageRequest::descriptor();
    (void)yizhan::ledger::v1::ReadRecordsRequest::descriptor();
    (void)yizhan::live::v1::LinkUp::descriptor();
    (void)yizhan::live::v1::ClientFrame::descriptor();
    return true;
  }();
  (void)linked;
}

}  // namespace yizhan::edge
