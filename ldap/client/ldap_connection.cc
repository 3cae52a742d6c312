#include "ldap/client/ldap_connection.h"

#include <ldap.h>
#include <openldap.h>
#include <sys/time.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "ldap/client/ldap_socket.h"
#include "ldap/credentials/password_hash.h"

namespace yizhan::directory {

struct LdapConnection::Handle {
  std::unique_ptr<LdapSocket> socket;  // outlives `ld`
  LDAP* ld = nullptr;
  ldap_conncb callbacks = {};

  ~Handle() {
    if (socket != nullptr) socket->set_deadline(absl::InfinitePast());  // the farewell goes out at once or not at all
    if (ld != nullptr) ldap_unbind_ext(ld, nullptr, nullptr);
  }
};

namespace {

timeval WaitOf(absl::Duration duration) { return absl::ToTimeval(std::max(duration, absl::Milliseconds(1))); }

// libldap reads its defaults from files and the environment at its first use, without a lock.
void StartLibrary() {
  static std::once_flag once;
  std::call_once(once, [] {
    LDAP* first = nullptr;
    if (ldap_initialize(&first, "ldap://127.0.0.1") == LDAP_SUCCESS) ldap_unbind_ext(first, nullptr, nullptr);
  });
}

// The lowest layer of liblber's stack, under TLS: an LdapSocket, which libldap neither opens nor closes.
LdapSocket* SocketOf(Sockbuf_IO_Desc* layer) { return static_cast<LdapSocket*>(layer->sbiod_pvt); }

Sockbuf_IO* SocketLayer() {
  static Sockbuf_IO layer = {
      .sbi_setup =
          [](Sockbuf_IO_Desc* at, void* socket) {
            at->sbiod_pvt = socket;
            return 0;
          },
      .sbi_remove = [](Sockbuf_IO_Desc*) { return 0; },
      .sbi_ctrl = [](Sockbuf_IO_Desc*, int, void*) { return 0; },
      .sbi_read = [](Sockbuf_IO_Desc* at, void* into, ber_len_t most) -> ber_slen_t {
        return SocketOf(at)->Read(into, most);
      },
      .sbi_write = [](Sockbuf_IO_Desc* at, void* from, ber_len_t count) -> ber_slen_t {
        return SocketOf(at)->Write(from, count);
      },
      .sbi_close = [](Sockbuf_IO_Desc*) { return 0; },
  };
  return &layer;
}

// "ldaps://host", "ldap://[::1]:389"; CheckLdapConfig() has seen it.
struct Place {
  bool ldaps = false;
  std::string host;
  int port = 0;
};
Place PlaceOf(absl::string_view url) {
  Place place;
  place.ldaps = absl::ConsumePrefix(&url, "ldaps://");
  if (!place.ldaps) absl::ConsumePrefix(&url, "ldap://");
  place.port = place.ldaps ? 636 : 389;
  const size_t colon = url.rfind(':');
  if (colon != absl::string_view::npos && url.back() != ']' && absl::SimpleAtoi(url.substr(colon + 1), &place.port)) {
    url = url.substr(0, colon);
  }
  absl::ConsumePrefix(&url, "[");
  absl::ConsumeSuffix(&url, "]");
  place.host = std::string(url);
  return place;
}

std::string DiagnosticOf(LDAP* ld) {
  char* text = nullptr;
  ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
  std::string out = text == nullptr ? "" : text;
  ldap_memfree(text);
  return out;
}

int CodeOf(LDAP* ld) {
  int code = LDAP_OTHER;
  ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &code);
  return code;
}

std::string Words(int code, const std::string& said) {
  return said.empty() ? ldap_err2string(code) : absl::StrCat(ldap_err2string(code), " (", said.substr(0, 300), ")");
}

absl::Status TlsRefused(const std::string& url, const std::string& words) {
  return Refuse(absl::StatusCode::kFailedPrecondition, "LDAP_TLS_REFUSED",
                absl::StrCat("LDAP server ", url, ": TLS did not come about: ", words,
                             "; check that the server offers TLS, that its certificate names this host and is valid, "
                             "and that ldap.ca_file holds the authority that signed it"));
}

absl::Status Unavailable(const std::string& url, const std::string& words) {
  return RefuseForNow(
      absl::StatusCode::kUnavailable, "LDAP_UNAVAILABLE",
      absl::StrCat("LDAP server ", url, ": ", words, "; check that it runs and that this machine may reach it"), 2000);
}

RawEntry ReadEntry(LDAP* ld, LDAPMessage* message) {
  RawEntry entry;
  if (char* dn = ldap_get_dn(ld, message); dn != nullptr) {
    entry.dn = dn;
    ldap_memfree(dn);
  }
  BerElement* ber = nullptr;
  for (char* name = ldap_first_attribute(ld, message, &ber); name != nullptr;
       name = ldap_next_attribute(ld, message, ber)) {
    std::vector<std::string>& into = entry.attributes[absl::AsciiStrToLower(name)];
    if (berval** values = ldap_get_values_len(ld, message, name); values != nullptr) {
      for (berval** value = values; *value != nullptr; ++value) into.emplace_back((*value)->bv_val, (*value)->bv_len);
      ldap_value_free_len(values);
    }
    ldap_memfree(name);
  }
  if (ber != nullptr) ber_free(ber, 0);
  return entry;
}

}  // namespace

LdapConnection::LdapConnection(std::string url, const LdapConfig& config)
    : url_(std::move(url)), operation_timeout_(config.operation_timeout), handle_(std::make_unique<Handle>()) {}

LdapConnection::~LdapConnection() = default;

absl::StatusOr<std::unique_ptr<LdapConnection>> LdapConnection::Open(const std::string& url, const LdapConfig& config,
                                                                     absl::Time deadline) {
  StartLibrary();
  std::unique_ptr<LdapConnection> connection(new LdapConnection(url, config));
  YZ_RETURN_IF_ERROR(connection->Connect(config, deadline));
  return connection;
}

absl::Status LdapConnection::Connect(const LdapConfig& config, absl::Time deadline) {
  deadline = std::min(deadline, absl::Now() + config.connect_timeout);
  const Place place = PlaceOf(url_);
  auto socket = LdapSocket::Connect(place.host, place.port, deadline);
  if (!socket.ok()) return Unavailable(url_, std::string(socket.status().message()));
  handle_->socket = *std::move(socket);
  if (int code = ldap_init_fd(handle_->socket->fd(), LDAP_PROTO_EXT, url_.c_str(), &handle_->ld);
      code != LDAP_SUCCESS) {
    return Refuse(absl::StatusCode::kInvalidArgument, "LDAP_CONFIG",
                  absl::StrCat("ldap.urls: \"", url_, "\": ", ldap_err2string(code)));
  }
  LDAP* ld = handle_->ld;
  Sockbuf* layers = nullptr;
  if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &layers) != LDAP_OPT_SUCCESS || layers == nullptr ||
      ber_sockbuf_add_io(layers, SocketLayer(), LBER_SBIOD_LEVEL_PROVIDER, handle_->socket.get()) != 0) {
    return absl::InternalError("libldap does not take a socket");
  }
  // Should libldap ever want to connect anew by itself, that would be in the clear: never.
  handle_->callbacks = {.lc_add = [](LDAP*, Sockbuf*, LDAPURLDesc*, sockaddr*, ldap_conncb*) { return -1; },
                        .lc_del = [](LDAP*, Sockbuf*, ldap_conncb*) {},
                        .lc_arg = nullptr};
  const int version = LDAP_VERSION3, none = 0, demand = LDAP_OPT_X_TLS_DEMAND, never = LDAP_DEREF_NEVER;
  const int tls12 = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, as_client = 0;
  const timeval wait = WaitOf(deadline - absl::Now());
  // Everything is set here: neither ldap.conf nor the environment may weaken it.
  const bool set = ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
                   ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
                   ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) == LDAP_OPT_SUCCESS &&
                   ldap_set_option(ld, LDAP_OPT_DEREF, &never) == LDAP_OPT_SUCCESS &&
                   ldap_set_option(ld, LDAP_OPT_SIZELIMIT, &none) == LDAP_OPT_SUCCESS &&
                   ldap_set_option(ld, LDAP_OPT_TIMELIMIT, &none) == LDAP_OPT_SUCCESS &&
                   ldap_set_option(ld, LDAP_OPT_TIMEOUT, &wait) == LDAP_OPT_SUCCESS &&
                   ldap_set_option(ld, LDAP_OPT_CONNECT_CB, &handle_->callbacks) == LDAP_OPT_SUCCESS &&
                   ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
                   ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &tls12) == LDAP_OPT_SUCCESS &&
                   ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTDIR, nullptr) == LDAP_OPT_SUCCESS &&
                   ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, config.ca_file.c_str()) == LDAP_OPT_SUCCESS;
  if (!set) return absl::InternalError("libldap refuses a setting without which no connection is safe");
  if (ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &as_client) != LDAP_OPT_SUCCESS) {
    return TlsRefused(url_, absl::StrCat("\"", config.ca_file, "\" cannot be used"));
  }
  // Either TLS at once, or asked for first (RFC 4511, 4.14); the handshake is the same.
  const int code = place.ldaps ? ldap_install_tls(ld) : ldap_start_tls_s(ld, nullptr, nullptr);
  if (code == LDAP_SUCCESS) {
    if (ldap_tls_inplace(ld) == 1) return absl::OkStatus();
    return TlsRefused(url_, "the connection is in the clear");
  }
  usable_ = false;
  timed_out_ = code == LDAP_TIMEOUT || handle_->socket->timed_out();
  if (timed_out_) return Unavailable(url_, "it accepts connections, but says nothing in time");
  return TlsRefused(url_, Words(code, DiagnosticOf(ld)));
}

absl::Status LdapConnection::FromCode(int code, const std::string& said, const std::string& doing) {
  switch (code) {
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
    case LDAP_LOCAL_ERROR:
    case LDAP_DECODING_ERROR:
    case LDAP_ENCODING_ERROR:
      usable_ = false;
      timed_out_ = handle_->socket->timed_out();
      return Unavailable(url_, absl::StrCat(doing, ": ", Words(code, said)));
    case LDAP_TIMEOUT:
    case LDAP_TIMELIMIT_EXCEEDED:
      usable_ = false;
      timed_out_ = true;
      return Unavailable(url_, absl::StrCat(doing, ": no answer in time"));
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
      usable_ = false;
      timed_out_ = true;
      return Unavailable(url_, absl::StrCat(doing, ": ", Words(code, said)));
    case LDAP_NO_SUCH_OBJECT:
      return Refuse(absl::StatusCode::kNotFound, "LDAP_NO_SUCH_ENTRY",
                    absl::StrCat("LDAP server ", url_, ": ", doing,
                                 ": there is no such entry, or bind_dn may not see "
                                 "it; check the base and the server's access rules"));
    case LDAP_UNAVAILABLE_CRITICAL_EXTENSION:
      return Refuse(absl::StatusCode::kFailedPrecondition, "LDAP_NO_PAGING",
                    absl::StrCat("LDAP server ", url_, ": ", doing,
                                 ": it does not do paged results (RFC 2696), without "
                                 "which people would be missing unnoticed"));
    default:
      return Refuse(absl::StatusCode::kFailedPrecondition, "LDAP_REFUSED",
                    absl::StrCat("LDAP server ", url_, ": ", doing, ": ", Words(code, said)));
  }
}

absl::Status LdapConnection::FromBindCode(int code, const std::string& said) {
  if (code != LDAP_INVALID_CREDENTIALS && code != LDAP_NO_SUCH_OBJECT && code != LDAP_INVALID_DN_SYNTAX &&
      code != LDAP_INAPPROPRIATE_AUTH && code != LDAP_UNWILLING_TO_PERFORM) {
    return FromCode(code, said, "bind");
  }
  // "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 532, v3839". Those three are told of
  // a right password only; 775 (locked) is told of any, so it is like a wrong one here.
  if (absl::StrContains(said, "data 532,")) {
    return Refuse(absl::StatusCode::kPermissionDenied, "PASSWORD_EXPIRED",
                  "your password has expired; change it where your organisation lets you, then log in again");
  }
  if (absl::StrContains(said, "data 773,")) {
    return Refuse(absl::StatusCode::kPermissionDenied, "PASSWORD_MUST_CHANGE",
                  "your password must be changed before you can log in; change it where your organisation lets you");
  }
  if (absl::StrContains(said, "data 533,") || absl::StrContains(said, "data 701,")) {
    return Refuse(absl::StatusCode::kPermissionDenied, "ACCOUNT_DISABLED",
                  "this account is disabled; ask your administrator");
  }
  return WrongCredentials();
}

absl::Status LdapConnection::Bind(const std::string& dn, const Secret<std::string>& password, absl::Time deadline) {
  if (dn.empty() || password.empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "PASSWORD_EMPTY", "an empty password is never sent; enter one");
  }
  const absl::Duration timeout = std::min(operation_timeout_, deadline - absl::Now());
  if (timeout <= absl::ZeroDuration()) return Unavailable(url_, "no time is left for a bind");
  LDAP* ld = handle_->ld;
  handle_->socket->set_deadline(absl::Now() + timeout);
  // libldap does not write to the value.
  berval secret = {.bv_len = password.Reveal().size(), .bv_val = const_cast<char*>(password.Reveal().data())};
  int id = 0;
  if (int code = ldap_sasl_bind(ld, dn.c_str(), LDAP_SASL_SIMPLE, &secret, nullptr, nullptr, &id);
      code != LDAP_SUCCESS) {
    return FromCode(code, DiagnosticOf(ld), "bind");
  }
  timeval wait = WaitOf(timeout);
  LDAPMessage* answer = nullptr;
  const int type = ldap_result(ld, id, LDAP_MSG_ALL, &wait, &answer);
  if (type == 0) return FromCode(LDAP_TIMEOUT, "", "bind");
  if (type < 0) return FromCode(CodeOf(ld), DiagnosticOf(ld), "bind");
  int code = LDAP_OTHER;
  char* said = nullptr;
  const int parsed = ldap_parse_result(ld, answer, &code, nullptr, &said, nullptr, nullptr, /*freeit=*/1);
  const std::string words = said == nullptr ? "" : said;
  ldap_memfree(said);
  if (parsed != LDAP_SUCCESS) return FromCode(parsed, "", "bind");
  if (code == LDAP_SUCCESS) return absl::OkStatus();
  return FromBindCode(code, words);
}

absl::StatusOr<LdapPage> LdapConnection::Search(const LdapSearch& search, const std::string& cookie,
                                                absl::Time deadline) {
  const std::string doing = absl::StrCat("search below \"", search.base, "\" for ", search.filter.substr(0, 200));
  const absl::Duration timeout = std::min(operation_timeout_, deadline - absl::Now());
  if (timeout <= absl::ZeroDuration()) return Unavailable(url_, absl::StrCat(doing, ": no time is left"));
  LDAP* ld = handle_->ld;
  handle_->socket->set_deadline(absl::Now() + timeout);
  std::vector<char*> attributes;
  for (const std::string& name : search.attributes) {
    if (!name.empty()) attributes.push_back(const_cast<char*>(name.c_str()));
  }
  attributes.push_back(nullptr);

  LDAPControl* paging = nullptr;
  const absl::Cleanup free_paging = [&] { ldap_control_free(paging); };
  if (search.page_size > 0) {
    berval sent = {.bv_len = cookie.size(), .bv_val = const_cast<char*>(cookie.data())};
    if (int code = ldap_create_page_control(ld, search.page_size, cookie.empty() ? nullptr : &sent, 1, &paging);
        code != LDAP_SUCCESS) {
      return FromCode(code, "", doing);
    }
  }
  LDAPControl* controls[] = {paging, nullptr};
  timeval wait = WaitOf(timeout);
  int id = 0;
  if (int code = ldap_search_ext(ld, search.base.c_str(), search.base_only ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE,
                                 search.filter.c_str(), attributes.data(), 0, paging == nullptr ? nullptr : controls,
                                 nullptr, nullptr, search.size_limit, &id);
      code != LDAP_SUCCESS) {
    return FromCode(code, DiagnosticOf(ld), doing);
  }
  LDAPMessage* answer = nullptr;
  const int type = ldap_result(ld, id, LDAP_MSG_ALL, &wait, &answer);
  if (type == 0) return FromCode(LDAP_TIMEOUT, "", doing);
  if (type < 0) return FromCode(CodeOf(ld), DiagnosticOf(ld), doing);
  const absl::Cleanup free_answer = [&] { ldap_msgfree(answer); };

  LdapPage page;
  int code = LDAP_OTHER;
  char* said = nullptr;
  LDAPControl** returned = nullptr;
  if (int parsed = ldap_parse_result(ld, answer, &code, nullptr, &said, nullptr, &returned, /*freeit=*/0);
      parsed != LDAP_SUCCESS) {
    return FromCode(parsed, "", doing);
  }
  const std::string words = said == nullptr ? "" : said;
  ldap_memfree(said);
  const absl::Cleanup free_returned = [&] { ldap_controls_free(returned); };
  page.truncated = code == LDAP_SIZELIMIT_EXCEEDED && search.size_limit > 0;
  if (code == LDAP_SIZELIMIT_EXCEEDED && !page.truncated) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "LDAP_SIZE_LIMIT",
                  absl::StrCat("LDAP server ", url_, ": ", doing,
                               ": it gives no more than its size limit; raise that "
                               "limit for ldap.bind_dn, or people would be missing"));
  }
  if (code != LDAP_SUCCESS && !page.truncated) return FromCode(code, words, doing);
  for (LDAPMessage* message = ldap_first_message(ld, answer); message != nullptr;
       message = ldap_next_message(ld, message)) {
    const int kind = ldap_msgtype(message);
    if (kind == LDAP_RES_SEARCH_ENTRY) page.entries.push_back(ReadEntry(ld, message));
    if (kind == LDAP_RES_SEARCH_REFERENCE) ++page.referrals;
  }
  if (LDAPControl* control = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, returned, nullptr); control != nullptr) {
    ber_int_t estimate = 0;
    berval next = {};
    if (ldap_parse_pageresponse_control(ld, control, &estimate, &next) == LDAP_SUCCESS) {
      page.cookie.assign(next.bv_val == nullptr ? "" : next.bv_val, next.bv_len);
      ber_memfree(next.bv_val);
    }
  }
  return page;
}

}  // namespace yizhan::directory
