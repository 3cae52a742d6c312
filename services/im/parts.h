// The service's nouns, side by side: what service.cc composes and im_rpc.cc exposes.
#pragma once

#include "base/rpc/service.h"
#include "im/archive.h"
#include "im/conversations.h"
#include "im/core.h"
#include "im/cursors.h"
#include "im/events.h"
#include "im/messages.h"
#include "im/people.h"
#include "im/presence.h"
#include "im/sync.h"
#include "im/typing.h"

namespace yizhan::im {

struct Parts {
  Parts(ledger::Ledger* ledger, ledger::Keyring* keyring, const Clock* clock)
      : people(ledger),
        core{ledger, keyring, &people, clock},
        messages(&core),
        archive(&core),
        conversations(&core),
        sync(&core),
        cursors(&core),
        events(&core),
        typing(&core, [this](const v1::TypingChanged& changed) { events.OnTyping(changed); }),
        presence({[this](const v1::Presence& changed) { events.OnPresence(changed); },
                  [this](PersonNo watcher, PersonNo watched, bool active) { events.OnWatch(watcher, watched, active); }}) {}

  People people;
  const Core core;
  Messages messages;
  Archive archive;
  Conversations conversations;
  Sync sync;
  Cursors cursors;
  Events events;
  Typing typing;
  Presence presence;
};

// Registers all methods of MessageService and ConversationService.
void RegisterMethods(Parts& parts, rpc::ServiceTable& table);

// The person behind a call or a session. PermissionDenied NOT_A_PERSON.
absl::StatusOr<Caller> CallerOf(const rpc::Principal& principal);

}  // namespace yizhan::im
