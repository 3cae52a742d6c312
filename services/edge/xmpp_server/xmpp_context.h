// What all XMPP sessions of a server share.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "edge/session_router.h"
#include "edge/xmpp/sm.h"
#include "edge/xmpp_server/people_book.h"

namespace yizhan::edge::xmpp {

struct XmppMetrics {
  XmppMetrics();
  metrics::Counter &stanzas_in, &messages_in, &messages_out, &errors_out, &offline_out, &resumed, &detached, &slow,
      &dropped;
};

struct XmppLimits {
  // Bytes waiting for a socket; beyond, its client is too slow.
  size_t queue_bytes = 4 << 20;
  // Messages of one session on their way to their owners; beyond, nothing more is read from it until half of them are
  // through.
  uint32_t sends_in_flight = 256;
  // Rooms that one session is in.
  size_t rooms = 200;
  // Messages that wait for a person, handed over with the initial presence.
  size_t offline_messages = 200;
  // People in a roster.
  size_t roster = 2'000;
  // Occupants whose presence is told to one another.
  uint32_t present_occupants = 200;
  // A session without its stream is kept this long,
  int64_t resume_ms = 300'000;
  // as long as no more than so many are kept, with no more than so many bytes waiting in all of them.
  int64_t detached_sessions = 10'000;
  int64_t detached_bytes = 256 << 20;
  // Silence after which a client is asked whether it lives, and how long it has to answer.
  int64_t silence_ms = 300'000;
  int64_t ping_ms = 60'000;
  // How often delivered positions are reported.
  int64_t cursors_ms = 3'000;
  SmLimits sm;
};

struct XmppContext {
  std::string domain;
  std::string groups_domain;
  SessionRouter* router = nullptr;
  PeopleBook* people = nullptr;
  // Asks the directory for news; `done` runs on that thread once they are in `people`, or could not be had. As
  // PeopleSync::Refresh.
  std::function<void(size_t thread, absl::AnyInvocable<void()> done)> refresh_people;
  const Clock* clock = &RealClock();
  // Milliseconds of the steady clock: the one of the sweep's deadlines.
  std::function<int64_t()> now_ms;
  XmppLimits limits;
  XmppMetrics metrics;
  // Of sessions without a stream.
  mutable std::atomic<int64_t> detached_sessions{0};
  mutable std::atomic<int64_t> detached_bytes{0};

  // "login@domain"; empty for a person who is not known.
  std::string JidOf(std::string_view person_id) const;
  // As JidOf; "person_id@domain" for who is not known, so that nothing they wrote is without a sender.
  std::string SenderJidOf(std::string_view person_id) const;
  // The log-in name of an address at our domain, in whatever case and with whatever resource; empty for any other
  // address.
  std::string LoginOf(std::string_view jid) const;
};

// How an address is ours.
enum class Place : uint8_t { kServer, kPerson, kGroups, kRoom, kElsewhere, kMalformed };
// An address, taken apart without looking anybody up. Views into `jid` or `storage`.
struct Address {
  Place place = Place::kMalformed;
  std::string_view local, resource;
};
// Exact spellings cost nothing; others are prepared into `storage`. Empty text is kMalformed.
Address ParseAddress(const XmppContext& context, std::string_view jid, std::string* storage);

}  // namespace yizhan::edge::xmpp
