#include "base/objects/s3_store.h"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/objects/object_name.h"
#include "base/objects/s3_client.h"
#include "base/objects/xml_leaves.h"
#include "base/status.h"

namespace yizhan::objects {
namespace {
constexpr uint64_t kMaxListingBytes = 16 << 20;  // a thousand names of a KiB, and what stands around them
constexpr int kMaxPages = 100'000;

// What a server says of an error: {"NoSuchKey", "The specified key does not exist."}; empty when it is not S3's XML.
struct S3Error {
  std::string code, message;
};

S3Error ReadError(const std::string& body) {
  S3Error error;
  auto leaves = ReadXml(body);
  if (!leaves.ok()) return error;
  for (XmlLeaf& leaf : *leaves) {
    if (leaf.path == "Error/Code") error.code = std::move(leaf.text);
    if (leaf.path == "Error/Message") error.message = std::move(leaf.text);
  }
  for (std::string* text : {&error.code, &error.message}) {
    std::replace_if(
        text->begin(), text->end(), [](unsigned char c) { return c < ' '; }, ' ');
  }
  return error;
}

// `doing` begins the message: "storing s3://bucket/a at https://host".
absl::Status StatusOf(const S3Answer& answer, const S3Error& error, const std::string& doing) {
  using absl::StatusCode;
  const std::string said =
      absl::StrCat(doing, ": ", error.code.empty() ? absl::StrCat("HTTP ", answer.code) : error.code,
                   error.message.empty() ? "" : ": ", absl::StripSuffix(error.message, "."), ". ");
  const auto is = [&](std::initializer_list<const char*> codes) {
    return std::find(codes.begin(), codes.end(), error.code) != codes.end();
  };
  if (is({"NoSuchKey"})) return Refuse(StatusCode::kNotFound, "NO_SUCH_OBJECT", said + "There is no such object");
  if (is({"NoSuchBucket"})) {
    return Refuse(StatusCode::kFailedPrecondition, "NO_SUCH_BUCKET", said + "Make the bucket, or correct backup.to");
  }
  if (answer.code == 507 ||
      is({"QuotaExceeded", "EntityTooLarge", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"})) {
    return RefuseForNow(StatusCode::kResourceExhausted, "DISK_FULL", said + "Make room, or raise the bucket's quota",
                        1'000);
  }
  if (is({"RequestTimeTooSkewed", "RequestExpired"})) {
    return Refuse(StatusCode::kPermissionDenied, "CLOCK_SKEW",
                  said + "This machine's clock and the server's differ: set both by the same time servers");
  }
  if (answer.code == 401 || answer.code == 403) {
    return Refuse(StatusCode::kPermissionDenied, "STORE_REFUSED",
                  said + "Check access key, secret key and what this key may do with the bucket");
  }
  if (answer.code == 429 || (answer.code >= 500 && answer.code != 501)) {
    return RefuseForNow(StatusCode::kUnavailable, "STORE_AWAY", said + "The server is out of order: try again later",
                        10'000);
  }
  return Refuse(StatusCode::kFailedPrecondition, "STORE_SETTINGS",
                said + "Check the region, and that the endpoint is that of an S3 server with path-style addresses");
}

// MD5, as most servers say it in an ETag; empty when OpenSSL has none.
std::string Md5Hex(std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out, &size, EVP_md5(), nullptr) != 1) return {};
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(out), size));
}

// One answer of a listing.
struct Page {
  std::vector<ObjectStore::Object> objects;  // with the keys as names
  std::string next;                          // empty for the last one
};

absl::StatusOr<Page> ReadPage(const std::string& body) {
  YZ_ASSIGN_OR_RETURN(std::vector<XmlLeaf> leaves, ReadXml(body));
  if (leaves.empty() || leaves.back().path != "ListBucketResult") {
    return absl::InvalidArgumentError("the answer is not a ListBucketResult");
  }
  Page page;
  bool escaped = false, truncated = false, sized = false;
  ObjectStore::Object object;
  for (XmlLeaf& leaf : leaves) {
    if (leaf.path == "ListBucketResult/EncodingType") escaped = leaf.text == "url";
    if (leaf.path == "ListBucketResult/IsTruncated") truncated = leaf.text == "true";
    if (leaf.path == "ListBucketResult/NextContinuationToken") page.next = std::move(leaf.text);
    if (leaf.path == "ListBucketResult/Contents/Key") object.name = std::move(leaf.text);
    if (leaf.path == "ListBucketResult/Contents/Size") sized = absl::SimpleAtoi(leaf.text, &object.size);
    if (leaf.path != "ListBucketResult/Contents") continue;
    if (object.name.empty() || !sized) return absl::InvalidArgumentError("an object without name or size");
    page.objects.push_back(std::exchange(object, {}));
    sized = false;
  }
  if (truncated && page.next.empty()) return absl::InvalidArgumentError("it goes on, and does not say where");
  if (!truncated) page.next.clear();
  if (escaped) {
    for (ObjectStore::Object& each : page.objects) each.name = UnescapeFromUrl(each.name);
  }
  return page;
}

class S3Store : public ObjectStore {
 public:
  S3Store(S3Server server, std::string bucket, std::string prefix, int page)
      : bucket_(std::move(bucket)),
        prefix_(std::move(prefix)),
        page_(page),
        endpoint_(server.endpoint),
        place_(absl::StrCat("s3://", bucket_, prefix_.empty() ? "" : "/", prefix_)),
        client_(std::move(server)) {}

  absl::Status Put(const std::string& name, std::string_view bytes) override;
  absl::StatusOr<std::string> Get(const std::string& name) override;
  absl::StatusOr<std::vector<Object>> List(const std::string& prefix) override;
  absl::Status Delete(const std::string& name) override;
  const std::string& place() const override { return place_; }

 private:
  std::string Key(const std::string& name) const { return prefix_.empty() ? name : absl::StrCat(prefix_, "/", name); }
  std::string Path(const std::string& name) const { return absl::StrCat("/", bucket_, "/", Key(name)); }
  std::string Doing(const char* what, const std::string& name) const {
    return absl::StrCat(what, " ", place_, "/", name, " at ", endpoint_);
  }
  // An answer with a code below 300, or a Status.
  absl::StatusOr<S3Answer> Do(const S3Request& request, const std::string& doing);

  const std::string bucket_, prefix_;
  const int page_;
  const std::string endpoint_, place_;
  S3Client client_;
};

absl::StatusOr<S3Answer> S3Store::Do(const S3Request& request, const std::string& doing) {
  absl::StatusOr<S3Answer> answer = client_.Do(request);
  if (!answer.ok()) return Annotate(answer.status(), doing);
  if (answer->code >= 200 && answer->code < 300) return answer;
  return StatusOf(*answer, ReadError(answer->body), doing);
}

absl::Status S3Store::Put(const std::string& name, std::string_view bytes) {
  YZ_RETURN_IF_ERROR(CheckObject(name, bytes));
  const std::string doing = Doing("storing", name);
  YZ_ASSIGN_OR_RETURN(const S3Answer stored,
                      Do({.method = "PUT", .path = Path(name), .body = bytes, .max_answer_bytes = 64 << 10}, doing));
  const std::string md5 = Md5Hex(bytes);
  if (!md5.empty() && absl::AsciiStrToLower(stored.etag) == absl::StrCat("\"", md5, "\"")) return absl::OkStatus();
  // A server that encrypts says something else there. It has held the body to its SHA-256; is all of it there?
  YZ_ASSIGN_OR_RETURN(const S3Answer there, Do({.method = "HEAD", .path = Path(name)}, doing));
  if (there.length == static_cast<int64_t>(bytes.size())) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(doing, ": the server has ", there.length, " bytes of ", bytes.size(),
                                          ": store it again, and have the server checked"));
}

absl::StatusOr<std::string> S3Store::Get(const std::string& name) {
  YZ_RETURN_IF_ERROR(CheckName(name));
  YZ_ASSIGN_OR_RETURN(S3Answer answer, Do({.method = "GET", .path = Path(name), .max_answer_bytes = kMaxObjectBytes},
                                          Doing("reading", name)));
  return std::move(answer.body);
}

absl::StatusOr<std::vector<ObjectStore::Object>> S3Store::List(const std::string& prefix) {
  YZ_RETURN_IF_ERROR(CheckNamePrefix(prefix));
  const std::string doing = Doing("listing", prefix), ours = Key("");
  std::vector<Object> objects;
  std::string token;
  int pages = 0;
  do {
    if (pages++ == kMaxPages) return TooManyObjects(place_, prefix);
    std::string query = token.empty() ? "" : absl::StrCat("continuation-token=", EscapeForUrl(token), "&");
    // url: a name of somebody else's may have characters that XML has not.
    absl::StrAppend(&query, "encoding-type=url&list-type=2&max-keys=", page_, "&prefix=", EscapeForUrl(Key(prefix)));
    YZ_ASSIGN_OR_RETURN(const S3Answer answer, Do({.method = "GET",
                                                   .path = absl::StrCat("/", bucket_),
                                                   .query = std::move(query),
                                                   .max_answer_bytes = kMaxListingBytes},
                                                  doing));
    absl::StatusOr<Page> page = ReadPage(answer.body);
    if (!page.ok() || (!page->next.empty() && page->next == token)) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "STORE_SETTINGS",
                    absl::StrCat(doing, ": ", page.ok() ? "the listing does not go on" : page.status().message(),
                                 ". Check that the endpoint is that of an S3 server with ListObjectsV2"));
    }
    for (Object& object : page->objects) {
      if (!object.name.starts_with(ours)) continue;
      object.name.erase(0, ours.size());
      if (!IsName(object.name) || !object.name.starts_with(prefix)) continue;
      if (objects.size() == kMaxListed) return TooManyObjects(place_, prefix);
      objects.push_back(std::move(object));
    }
    token = std::move(page->next);
  } while (!token.empty());
  std::sort(objects.begin(), objects.end(), [](const Object& a, const Object& b) { return a.name < b.name; });
  return objects;
}

absl::Status S3Store::Delete(const std::string& name) {
  YZ_RETURN_IF_ERROR(CheckName(name));
  absl::Status status = Do({.method = "DELETE", .path = Path(name)}, Doing("deleting", name)).status();
  return status.code() == absl::StatusCode::kNotFound ? absl::OkStatus() : status;
}

absl::Status NoPlace(const std::string& message) {
  return Refuse(absl::StatusCode::kInvalidArgument, "STORE_PLACE", message);
}

bool IsBucket(const std::string& text) {
  for (const unsigned char c : text) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '-' && c != '.') return false;
  }
  return text.size() >= 3 && text.size() <= 63 && IsName(text);
}

// What a signature takes: visible, and without what divides its parts.
bool IsSignable(const std::string& text, const char* dividers) {
  for (const unsigned char c : text) {
    if (!absl::ascii_isgraph(c) || std::string_view(dividers).find(static_cast<char>(c)) != std::string_view::npos) {
      return false;
    }
  }
  return !text.empty() && text.size() <= 256;
}
}  // namespace

absl::StatusOr<std::unique_ptr<ObjectStore>> OpenS3Store(const StoreOptions& options) {
  std::string bucket = options.place.substr(sizeof("s3://") - 1), prefix;
  if (const size_t slash = bucket.find('/'); slash != bucket.npos) {
    prefix = bucket.substr(slash + 1);
    bucket.resize(slash);
    if (prefix.size() > 1 && prefix.ends_with('/')) prefix.pop_back();
  }
  if (!IsBucket(bucket)) {
    return NoPlace(absl::StrCat("'", absl::CHexEscape(options.place), "' names no bucket: give s3://BUCKET or ",
                                "s3://BUCKET/PREFIX, a bucket of 3 to 63 small letters, digits, '-' and '.'"));
  }
  if (!prefix.empty() && !IsName(prefix)) {
    return NoPlace(absl::StrCat("the prefix of '", absl::CHexEscape(options.place),
                                "' is not one: ", "give a name such as objects have, or none"));
  }
  std::string endpoint = options.s3_endpoint;
  if (endpoint.ends_with('/')) endpoint.pop_back();
  YZ_RETURN_IF_ERROR(CheckEndpoint(endpoint));
  if (!IsSignable(options.s3_region, "/:,")) return NoPlace("the S3 region is not one: give a word such as us-east-1");
  if (!IsSignable(options.s3_access_key, "/,") || !IsSignable(options.s3_secret_key.Reveal(), "")) {
    return NoPlace(absl::StrCat("the access key or the secret key of ", options.place,
                                " is empty or not one line of visible characters: give both"));
  }
  if (options.s3_page < 1 || options.s3_page > 1000) return NoPlace("a listing's page has 1 to 1000 names");
  S3Server server{std::move(endpoint), options.s3_region, options.s3_access_key, options.s3_secret_key, options.s3_ca};
  return std::make_unique<S3Store>(std::move(server), std::move(bucket), std::move(prefix), options.s3_page);
}

}  // namespace yizhan::objects
