#include "base/objects/s3_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/evp.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"

namespace yizhan::objects {
namespace {
constexpr size_t kMaxErrorBytes = 64 << 10;
constexpr size_t kMaxIdle = 4;
constexpr long kConnectMs = 5'000, kStallBytesPerSecond = 1, kStallSeconds = 30;
constexpr int kMoreTries = 3;
constexpr absl::Duration kFirstWait = absl::Milliseconds(200);  // then four times as long, and again

bool CurlIsReady() {
  static const bool ready = [] {
    std::signal(SIGPIPE, SIG_IGN);  // a server that went away is an error of a write, not the end of the process
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  }();
  return ready;
}

// Empty when this OpenSSL has no such digest, as MD5 under FIPS.
std::string Digest(const EVP_MD* kind, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out, &size, kind, nullptr) != 1) return {};
  return std::string(reinterpret_cast<const char*>(out), size);
}

using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

// libcurl signs them with the request. The server holds the body to both digests; buckets with object lock want MD5.
Headers MakeHeaders(const S3Request& request) {
  std::vector<std::string> lines = {
      absl::StrCat("x-amz-content-sha256: ", absl::BytesToHexString(Digest(EVP_sha256(), request.body)))};
  if (absl::string_view(request.method) == "PUT") {
    lines.push_back("Content-Type: application/octet-stream");
    const std::string md5 = Digest(EVP_md5(), request.body);
    if (!md5.empty()) lines.push_back(absl::StrCat("Content-MD5: ", absl::Base64Escape(md5)));
  }
  curl_slist* list = nullptr;
  for (const std::string& line : lines) list = curl_slist_append(list, line.c_str());
  return Headers(list, curl_slist_free_all);
}

// One answer while it comes in.
struct Incoming {
  CURL* handle;
  uint64_t max_bytes;
  S3Answer answer;
  bool too_big = false;

  int Code() const {
    long code = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }

  static size_t Write(char* data, size_t, size_t size, void* self) {
    auto& incoming = *static_cast<Incoming*>(self);
    const uint64_t most = incoming.Code() < 300 ? incoming.max_bytes : kMaxErrorBytes;
    std::string& body = incoming.answer.body;
    curl_off_t length = 0;
    if (body.empty() && curl_easy_getinfo(incoming.handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) == CURLE_OK &&
        length > 0) {
      body.reserve(std::min<uint64_t>(most, static_cast<uint64_t>(length)));
    }
    const size_t taken = std::min<uint64_t>(size, most - body.size());
    body.append(data, taken);
    if (taken < size) incoming.too_big = true;
    return taken;
  }
};

bool IsTransient(int code) { return code == 429 || (code >= 500 && code != 501 && code != 507); }

absl::Status Failure(CURLcode code, const std::string& detail) {
  const std::string said = detail.empty() ? curl_easy_strerror(code) : detail;
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return Refuse(absl::StatusCode::kFailedPrecondition, "STORE_TRUST",
                    absl::StrCat(said,
                                 ". The server's certificate is not good: give the PEM file of its authority, "
                                 "and the name or address that stands in the certificate"));
    default:
      return Refuse(absl::StatusCode::kUnavailable, "STORE_AWAY",
                    absl::StrCat(said, ". Is the server running, the endpoint right, the way to it open?"));
  }
}

absl::Status NoEndpoint(const std::string& endpoint, const char* why) {
  return Refuse(absl::StatusCode::kInvalidArgument, "STORE_PLACE",
                absl::StrCat("the endpoint '", absl::CHexEscape(endpoint), "' ", why,
                             ": give https://HOST or https://HOST:PORT"));
}

bool IsLoopback(const std::string& host) {
  in_addr address = {};
  if (inet_pton(AF_INET, host.c_str(), &address) == 1) return (ntohl(address.s_addr) >> 24) == 127;
  return host == "[::1]" || host == "localhost";
}
}  // namespace

S3Client::S3Client(S3Server server) : server_(std::move(server)) {}

S3Client::~S3Client() {
  for (void* handle : idle_) curl_easy_cleanup(handle);
}

void* S3Client::Take() {
  {
    absl::MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      void* handle = idle_.back();
      idle_.pop_back();
      return handle;
    }
  }
  return CurlIsReady() ? curl_easy_init() : nullptr;
}

void S3Client::Keep(void* handle) {
  curl_easy_reset(handle);  // the connections stay, keys and pointers go
  {
    absl::MutexLock lock(&mutex_);
    if (idle_.size() < kMaxIdle) {
      idle_.push_back(handle);
      return;
    }
  }
  curl_easy_cleanup(handle);
}

absl::StatusOr<S3Answer> S3Client::Do(const S3Request& request) {
  void* handle = Take();
  if (handle == nullptr) return absl::InternalError("libcurl cannot be started");
  absl::Cleanup keep = [&] { Keep(handle); };
  const Headers headers = MakeHeaders(request);
  absl::Duration wait = kFirstWait;
  for (int tries = 0;; ++tries, wait *= 4) {
    bool again = false;
    absl::StatusOr<S3Answer> answer = Once(handle, headers.get(), request, &again);
    if (!again || tries == kMoreTries) return answer;
    absl::SleepFor(wait);
  }
}

absl::StatusOr<S3Answer> S3Client::Once(void* handle, void* headers, const S3Request& request, bool* again) const {
  curl_easy_reset(handle);
  CURLcode code = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    if (code == CURLE_OK) code = curl_easy_setopt(handle, option, value);
  };
  char detail[CURL_ERROR_SIZE] = "";
  Incoming incoming{handle, request.max_answer_bytes, {}};
  const std::string url = absl::StrCat(server_.endpoint, request.path, request.query.empty() ? "" : "?", request.query);
  const std::string signature = absl::StrCat("aws:amz:", server_.region, ":s3");
  const absl::string_view method = request.method;

  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROTOCOLS_STR, absl::StartsWith(server_.endpoint, "https:") ? "https" : "http");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  set(CURLOPT_LOW_SPEED_LIMIT, kStallBytesPerSecond);
  set(CURLOPT_LOW_SPEED_TIME, kStallSeconds);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!server_.ca.empty()) {
    set(CURLOPT_CAINFO, server_.ca.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  // Without the first of these the two after it would be sent as they are.
  set(CURLOPT_AWS_SIGV4, signature.c_str());
  set(CURLOPT_USERNAME, server_.access_key.c_str());
  set(CURLOPT_PASSWORD, server_.secret_key.Reveal().c_str());
  set(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(headers));
  if (method == "PUT") {
    // As a POST's body: what is sent with CURLOPT_UPLOAD is not signed.
    set(CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (method != "GET") {
    set(CURLOPT_CUSTOMREQUEST, request.method);
  }
  set(CURLOPT_WRITEFUNCTION, &Incoming::Write);
  set(CURLOPT_WRITEDATA, &incoming);
  set(CURLOPT_ERRORBUFFER, detail);
  if (code != CURLE_OK) {
    return absl::InternalError(absl::StrCat("libcurl does not take an option: ", curl_easy_strerror(code)));
  }

  code = curl_easy_perform(handle);
  S3Answer& answer = incoming.answer;
  answer.code = incoming.Code();
  if (code == CURLE_WRITE_ERROR && incoming.too_big) {
    if (answer.code < 300) {
      return Refuse(
          absl::StatusCode::kFailedPrecondition, "OBJECT_SIZE",
          absl::StrCat("the answer has more than ", request.max_answer_bytes, " bytes: this is not an object of ours"));
    }
  } else if (code != CURLE_OK) {
    *again = code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CACERT_BADFILE;
    return Failure(code, detail);
  }
  *again = IsTransient(answer.code);
  curl_header* etag = nullptr;
  if (curl_easy_header(handle, "ETag", 0, CURLH_HEADER, -1, &etag) == CURLHE_OK) answer.etag = etag->value;
  curl_off_t length = -1;
  if (curl_easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) == CURLE_OK) answer.length = length;
  return std::move(answer);
}

std::string EscapeForUrl(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' || c == '~') {
      escaped.push_back(c);
    } else {
      absl::StrAppend(&escaped, "%", absl::AsciiStrToUpper(absl::BytesToHexString(absl::string_view(&c, 1))));
    }
  }
  return escaped;
}

std::string UnescapeFromUrl(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) &&
        absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      plain += absl::HexStringToBytes(absl::string_view(&text[i + 1], 2));
      i += 2;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

absl::Status CheckEndpoint(const std::string& endpoint) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(CurlIsReady() ? curl_url() : nullptr, curl_url_cleanup);
  if (url == nullptr) return absl::InternalError("libcurl cannot be started");
  if (curl_url_set(url.get(), CURLUPART_URL, endpoint.c_str(), 0) != CURLUE_OK) {
    return NoEndpoint(endpoint, "is not a URL");
  }
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    std::string copy;
    if (curl_url_get(url.get(), which, &text, 0) == CURLUE_OK) copy = text;
    curl_free(text);
    return copy;
  };
  const std::string scheme = part(CURLUPART_SCHEME), host = part(CURLUPART_HOST), port = part(CURLUPART_PORT);
  if (scheme != "https" && scheme != "http") return NoEndpoint(endpoint, "is not https");
  if (scheme == "http" && !IsLoopback(host)) {
    return NoEndpoint(endpoint, "would send what is stored unencrypted, which is for loopback addresses only");
  }
  // Nothing but these three: a path, a user or a query would go where it does not belong.
  if (endpoint != absl::StrCat(scheme, "://", host, port.empty() ? "" : ":", port)) {
    return NoEndpoint(endpoint, "has something beside a scheme, a host and a port, or is not in its plain form");
  }
  return absl::OkStatus();
}

}  // namespace yizhan::objects
