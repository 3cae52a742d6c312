// The private authority of an installation.
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/tls.h"
#include "base/tls_certificates.h"

namespace yizhan {
namespace {

using tls::BadFile;
using tls::Certificate;
using tls::Failed;
using tls::Key;
using tls::PemFile;

constexpr int kAuthorityDays = 3653;
constexpr char kScheme[] = "yizhan://";

// Letters in either case where `upper`, digits and hyphens, dots where `dots`; neither of them at an end, no empty
// part.
bool IsName(std::string_view name, size_t most, bool dots, bool upper = false) {
  if (name.empty() || name.size() > most) return false;
  char before = '.';
  for (char c : name) {
    bool letter = absl::ascii_isdigit(c) || absl::ascii_islower(c) || (upper && absl::ascii_isupper(c));
    if (!letter && (before == '.' || (c != '-' && !(dots && c == '.' && before != '-')))) return false;
    if (c == '.' && !dots) return false;
    before = c;
  }
  return before != '.' && before != '-';
}

bool IsNode(std::string_view node) { return IsName(node, 63, true); }
// A process of every service is called "yizhan" in calls, so no single one may be.
bool IsService(std::string_view service) { return IsName(service, 32, false) && service != "yizhan"; }

bool IsAddress(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

absl::Status BadName(std::string what) { return Refuse(absl::StatusCode::kInvalidArgument, "TLS_NAME", what); }

absl::Status NoIdentity(std::string what) {
  return Refuse(absl::StatusCode::kUnauthenticated, "NO_IDENTITY",
                what + ": a certificate of this installation's authority for the machine and its services is needed");
}

// All names of a certificate, in OpenSSL's syntax.
absl::StatusOr<std::string> NamesOf(const ServiceCertificate& certificate) {
  const std::string& node = certificate.identity.node;
  if (!IsNode(node)) {
    return BadName(absl::StrCat(
        "\"", node, "\" is not a node's name: use at most 63 lower-case letters, digits, dots and hyphens"));
  }
  if (certificate.identity.services.empty()) return BadName("the certificate of " + node + " is for no service");
  std::string names = "DNS:" + node;
  for (const std::string& service : certificate.identity.services) {
    if (!IsService(service)) {
      return BadName(absl::StrCat("\"", service,
                                  "\" is not a service's name: use at most 32 lower-case letters, digits and hyphens"));
    }
    if (service == kAllServices && certificate.identity.services.size() > 1) {
      return BadName(absl::StrCat("\"", kAllServices, "\" stands for every service: name no other beside it"));
    }
    absl::StrAppend(&names, ",URI:", kScheme, node, "/", service);
  }
  for (const std::string& host : certificate.hosts) {
    if (IsAddress(host)) {
      absl::StrAppend(&names, ",IP:", host);
    } else if (IsName(host, 253, true, true)) {
      if (host != node) absl::StrAppend(&names, ",DNS:", host);
    } else {
      return BadName(absl::StrCat("\"", host, "\" is neither a host's name nor an address"));
    }
  }
  return names;
}

// The same for the same key: a certificate that was made anew verifies what was issued before.
std::string AuthorityName(EVP_PKEY* key) {
  unsigned char* bytes = nullptr;
  int size = i2d_PUBKEY(key, &bytes);
  unsigned char digest[SHA256_DIGEST_LENGTH] = {};
  if (size > 0) SHA256(bytes, static_cast<size_t>(size), digest);
  OPENSSL_free(bytes);
  return "Yizhan authority " + absl::BytesToHexString(std::string(reinterpret_cast<char*>(digest), 8));
}

absl::StatusOr<absl::Time> EndOf(X509* certificate, const std::string& path) {
  std::tm end = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return BadFile("no end can be read in " + path);
  return absl::FromTimeT(::timegm(&end));
}

std::vector<std::string> UrisOf(X509* certificate) {
  std::vector<std::string> uris;
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)), ASN1_STRING_length(uri));
  }
  GENERAL_NAMES_free(names);
  return uris;
}

// Whether the certificate of a file is good now by the authorities of another.
absl::Status Verify(X509* certificate, const TlsPaths& paths) {
  struct FreeStore {
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
    void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  };
  ERR_clear_error();
  std::unique_ptr<X509_STORE, FreeStore> store(X509_STORE_new());
  std::unique_ptr<X509_STORE_CTX, FreeStore> context(X509_STORE_CTX_new());
  if (store == nullptr || context == nullptr) return Failed("no certificate store");
  if (X509_STORE_load_file(store.get(), paths.ca.c_str()) != 1) return BadFile("there is no authority in " + paths.ca);
  if (X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr) != 1) return Failed("no verification");
  if (X509_verify_cert(context.get()) == 1) return absl::OkStatus();
  ERR_clear_error();
  return Refuse(absl::StatusCode::kInvalidArgument, "TLS_FILE",
                absl::StrCat("the certificate ", paths.certificate, " is not good by ", paths.ca, ": ",
                             X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()))));
}

}  // namespace

bool ServiceIdentity::Is(std::string_view service) const {
  return std::any_of(services.begin(), services.end(),
                     [&](const std::string& mine) { return mine == kAllServices || mine == service; });
}

absl::StatusOr<ServiceIdentity> ParseIdentity(const std::vector<std::string>& uris) {
  ServiceIdentity identity;
  for (const std::string& uri : uris) {
    if (!absl::StartsWith(uri, kScheme)) continue;
    const std::string rest = uri.substr(sizeof(kScheme) - 1);
    const size_t slash = rest.find('/');
    const std::string node = rest.substr(0, slash);
    const std::string service = slash == std::string::npos ? "" : rest.substr(slash + 1);
    if (!IsNode(node) || !IsService(service)) {
      return NoIdentity(absl::StrCat("the certificate's name ", absl::CHexEscape(uri.substr(0, 200)),
                                     " is not yizhan://NODE/SERVICE"));
    }
    if (!identity.node.empty() && identity.node != node) {
      return NoIdentity(absl::StrCat("the certificate is for two nodes, ", identity.node, " and ", node));
    }
    identity.node = node;
    identity.services.push_back(service);
  }
  if (identity.node.empty()) return NoIdentity("the certificate has no name yizhan://NODE/SERVICE");
  return identity;
}

absl::Status MakeAuthority(const std::string& dir) {
  const std::string key_path = dir + "/ca.key", ca_path = dir + "/ca.pem";
  YZ_RETURN_IF_ERROR(tls::MakeFolder(dir));
  const bool has_key = std::filesystem::exists(key_path), has_ca = std::filesystem::exists(ca_path);
  if (has_ca && !has_key) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "TLS_FILE",
                  "the authority " + ca_path + " has lost its key " + key_path +
                      ": bring it back, or move the certificate away for a new authority");
  }
  Key key;
  if (has_key) {
    YZ_ASSIGN_OR_RETURN(key, tls::ReadKey(key_path));
    if (has_ca) return absl::OkStatus();
  } else {
    key.reset(EVP_EC_gen("P-256"));
    if (key == nullptr) return Failed("no key");
    YZ_ASSIGN_OR_RETURN(PemFile file, PemFile::WriteKey(key_path, key.get()));
    YZ_RETURN_IF_ERROR(file.Publish());
  }
  YZ_ASSIGN_OR_RETURN(Certificate ca, tls::Begin(key.get(), AuthorityName(key.get()), kAuthorityDays));
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get()));
  YZ_RETURN_IF_ERROR(tls::AddAuthorityExtensions(ca.get()));
  if (X509_sign(ca.get(), key.get(), EVP_sha256()) == 0) return Failed("the authority cannot be signed");
  YZ_ASSIGN_OR_RETURN(PemFile file, PemFile::WriteCertificate(ca_path, ca.get()));
  return file.Publish();
}

absl::StatusOr<TlsPaths> IssueServiceCertificate(const std::string& authority_dir, const ServiceCertificate& request,
                                                 const std::string& out) {
  YZ_ASSIGN_OR_RETURN(const std::string names, NamesOf(request));
  const std::string& node = request.identity.node;
  TlsPaths paths{authority_dir + "/ca.pem", out + "/" + node + ".pem", out + "/" + node + ".key"};
  YZ_ASSIGN_OR_RETURN(Certificate ca, tls::ReadCertificate(paths.ca));
  YZ_ASSIGN_OR_RETURN(Key ca_key, tls::ReadKey(authority_dir + "/ca.key"));
  if (X509_check_private_key(ca.get(), ca_key.get()) != 1) {
    return BadFile("the key " + authority_dir + "/ca.key is not that of " + paths.ca);
  }
  if (X509_cmp_current_time(X509_get0_notAfter(ca.get())) < 0) {
    return Refuse(absl::StatusCode::kInvalidArgument, "TLS_FILE", "the authority " + paths.ca + " has ended");
  }
  Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("no key");
  YZ_ASSIGN_OR_RETURN(Certificate certificate, tls::Begin(key.get(), node, tls::kDays));
  if (ASN1_TIME_compare(X509_get0_notAfter(ca.get()), X509_get0_notAfter(certificate.get())) < 0) {
    X509_set1_notAfter(certificate.get(), X509_get0_notAfter(ca.get()));
  }
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(ca.get()));
  YZ_RETURN_IF_ERROR(tls::AddLeafExtensions(certificate.get(), ca.get(), "serverAuth,clientAuth", names));
  if (X509_sign(certificate.get(), ca_key.get(), EVP_sha256()) == 0) return Failed("the certificate cannot be signed");

  // Both are written before either appears: the instant in which they do not fit together is a rename's.
  YZ_RETURN_IF_ERROR(tls::MakeFolder(out));
  YZ_ASSIGN_OR_RETURN(PemFile key_file, PemFile::WriteKey(paths.private_key, key.get()));
  YZ_ASSIGN_OR_RETURN(PemFile certificate_file, PemFile::WriteCertificate(paths.certificate, certificate.get()));
  YZ_RETURN_IF_ERROR(key_file.Publish());
  YZ_RETURN_IF_ERROR(certificate_file.Publish());
  return paths;
}

absl::StatusOr<absl::Time> NotAfter(const std::string& pem) {
  YZ_ASSIGN_OR_RETURN(Certificate certificate, tls::ReadCertificate(pem));
  return EndOf(certificate.get(), pem);
}

absl::StatusOr<std::vector<std::string>> UriNames(const std::string& pem) {
  YZ_ASSIGN_OR_RETURN(Certificate certificate, tls::ReadCertificate(pem));
  return UrisOf(certificate.get());
}

absl::StatusOr<ServiceIdentity> ReadIdentity(const TlsPaths& paths) {
  YZ_ASSIGN_OR_RETURN(Certificate certificate, tls::ReadCertificate(paths.certificate));
  YZ_ASSIGN_OR_RETURN(Key key, tls::ReadKey(paths.private_key));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return BadFile("the private key " + paths.private_key + " is not the key of " + paths.certificate);
  }
  YZ_RETURN_IF_ERROR(Verify(certificate.get(), paths));
  auto identity = ParseIdentity(UrisOf(certificate.get()));
  if (!identity.ok()) return Annotate(identity.status(), paths.certificate);
  return identity;
}

}  // namespace yizhan
