#include "base/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstring>

#include "base/status.h"
#include "base/tls_certificates.h"

namespace yizhan {
namespace {

constexpr int kRenewDays = 30;

using tls::BadFile;
using tls::Certificate;
using tls::Failed;
using tls::Key;
using tls::PemFile;

bool StillGood(const TlsPaths& paths, const std::string& domain) {
  auto certificate = tls::ReadCertificate(paths.certificate), ca = tls::ReadCertificate(paths.ca);
  if (!certificate.ok() || !ca.ok() || ::access(paths.private_key.c_str(), R_OK) != 0) return false;
  time_t renew = ::time(nullptr) + kRenewDays * 86400L;
  Key ca_key(X509_get_pubkey(ca->get()));
  return X509_cmp_time(X509_get0_notAfter(certificate->get()), &renew) > 0 &&
         X509_verify(certificate->get(), ca_key.get()) == 1 &&
         X509_check_host(certificate->get(), domain.data(), domain.size(), 0, nullptr) == 1;
}

bool IsDomain(const std::string& domain) {
  if (domain.empty() || domain.size() > 200) return false;
  for (char c : domain) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-') return false;
  }
  return true;
}

absl::Status MakeDemonstration(const TlsPaths& paths, const std::string& domain) {
  Key ca_key(EVP_EC_gen("P-256")), key(EVP_EC_gen("P-256"));
  if (ca_key == nullptr || key == nullptr) return Failed("no key");
  YZ_ASSIGN_OR_RETURN(
      Certificate ca,
      tls::Begin(ca_key.get(), "Yizhan demonstration authority for " + domain.substr(0, 24), tls::kDays));
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get()));
  YZ_RETURN_IF_ERROR(tls::AddAuthorityExtensions(ca.get()));
  if (X509_sign(ca.get(), ca_key.get(), EVP_sha256()) == 0) return Failed("the authority cannot be signed");

  YZ_ASSIGN_OR_RETURN(Certificate certificate, tls::Begin(key.get(), "localhost", tls::kDays));
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(ca.get()));
  YZ_RETURN_IF_ERROR(
      tls::AddLeafExtensions(certificate.get(), ca.get(), "serverAuth",
                             "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:" + domain + ",DNS:conference." + domain));
  if (X509_sign(certificate.get(), ca_key.get(), EVP_sha256()) == 0) return Failed("the certificate cannot be signed");

  YZ_ASSIGN_OR_RETURN(PemFile key_file, PemFile::WriteKey(paths.private_key, key.get()));
  YZ_ASSIGN_OR_RETURN(PemFile ca_file, PemFile::WriteCertificate(paths.ca, ca.get()));
  YZ_ASSIGN_OR_RETURN(PemFile certificate_file, PemFile::WriteCertificate(paths.certificate, certificate.get()));
  YZ_RETURN_IF_ERROR(key_file.Publish());
  YZ_RETURN_IF_ERROR(ca_file.Publish());
  return certificate_file.Publish();
}

int SelectProtocol(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* offered,
                   unsigned int offered_length, void* wanted) {
  const auto& protocol = *static_cast<const std::string*>(wanted);
  for (unsigned int i = 0; i < offered_length; i += 1u + offered[i]) {
    if (offered[i] == protocol.size() && i + 1 + offered[i] <= offered_length &&
        std::memcmp(offered + i + 1, protocol.data(), protocol.size()) == 0) {
      *out = offered + i + 1;
      *length = offered[i];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

absl::StatusOr<TlsPaths> EnsureDemonstrationTls(const std::string& dir, const std::string& domain) {
  if (!IsDomain(domain)) {
    return Refuse(absl::StatusCode::kInvalidArgument, "DOMAIN",
                  "\"" + domain + "\" is not a domain: use lower-case letters, digits, dots and hyphens");
  }
  YZ_RETURN_IF_ERROR(tls::MakeFolder(dir));
  TlsPaths paths{dir + "/ca.pem", dir + "/server.pem", dir + "/server.key"};
  if (!StillGood(paths, domain)) YZ_RETURN_IF_ERROR(MakeDemonstration(paths, domain));
  return paths;
}

void FreeSslContext::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

absl::StatusOr<SslContext> MakeServerContext(const TlsPaths& paths, const std::string& alpn) {
  ERR_clear_error();
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return Failed("no TLS context");
  SSL_CTX* c = context.get();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION |
                             SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c, 1);
  if (SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) return Failed("no cipher suites");
  if (SSL_CTX_use_certificate_chain_file(c, paths.certificate.c_str()) != 1)
    return BadFile("the certificate " + paths.certificate + " cannot be read");
  if (SSL_CTX_use_PrivateKey_file(c, paths.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return BadFile("the private key " + paths.private_key + " cannot be read, or is not the key of " +
                   paths.certificate);
  }
  if (SSL_CTX_check_private_key(c) != 1)
    return BadFile("the private key " + paths.private_key + " is not the key of " + paths.certificate);
  if (!alpn.empty()) SSL_CTX_set_alpn_select_cb(c, SelectProtocol, new std::string(alpn));  // as long as the process
  return context;
}

}  // namespace yizhan
