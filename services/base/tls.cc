#include "base/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>

#include "base/status.h"

namespace yizhan {
namespace {

constexpr int kDays = 825;
constexpr int kRenewDays = 30;

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;

std::string OpenSslError() {
  char text[256] = "unknown error";
  if (unsigned long code = ERR_peek_last_error()) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return text;
}

absl::Status Failed(const std::string& what) { return absl::InternalError(what + ": " + OpenSslError()); }

absl::Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return Failed("the certificate cannot be made for " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return absl::OkStatus();
}

// A certificate for `key`, without extensions and signature.
absl::StatusOr<Certificate> Begin(EVP_PKEY* key, const std::string& name) {
  Certificate certificate(X509_new());
  unsigned char serial[16];
  if (certificate == nullptr || RAND_bytes(serial, sizeof(serial)) != 1) return Failed("no certificate");
  serial[0] &= 0x7F;
  BIGNUM* number = BN_bin2bn(serial, sizeof(serial), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_set_version(certificate.get(), 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kDays * 86400L);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()), -1, 0);
  return certificate;
}

absl::Status WritePem(const std::string& path, mode_t mode, const std::function<int(FILE*)>& write) {
  std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  FILE* file = fd < 0 ? nullptr : ::fdopen(fd, "w");
  bool ok = file != nullptr && write(file) == 1 && std::fflush(file) == 0 && ::fsync(fd) == 0;
  if (file != nullptr) ok = std::fclose(file) == 0 && ok;
  if (!ok || std::rename(temporary.c_str(), path.c_str()) != 0) {
    return Refuse(absl::StatusCode::kUnavailable, "TLS_FILE", "cannot write " + path + ": " + std::strerror(errno));
  }
  return absl::OkStatus();
}

Certificate ReadCertificate(const std::string& path) {
  FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return nullptr;
  Certificate certificate(PEM_read_X509(file, nullptr, nullptr, nullptr));
  std::fclose(file);
  ERR_clear_error();
  return certificate;
}

bool StillGood(const TlsPaths& paths, const std::string& domain) {
  Certificate certificate = ReadCertificate(paths.certificate), ca = ReadCertificate(paths.ca);
  if (certificate == nullptr || ca == nullptr || ::access(paths.private_key.c_str(), R_OK) != 0) return false;
  time_t renew = ::time(nullptr) + kRenewDays * 86400L;
  Key ca_key(X509_get_pubkey(ca.get()));
  return X509_cmp_time(X509_get0_notAfter(certificate.get()), &renew) > 0 &&
         X509_verify(certificate.get(), ca_key.get()) == 1 &&
         X509_check_host(certificate.get(), domain.data(), domain.size(), 0, nullptr) == 1;
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
  YZ_ASSIGN_OR_RETURN(Certificate ca,
                      Begin(ca_key.get(), "Yizhan demonstration authority for " + domain.substr(0, 24)));
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get()));
  YZ_RETURN_IF_ERROR(AddExtension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  YZ_RETURN_IF_ERROR(AddExtension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign"));
  YZ_RETURN_IF_ERROR(AddExtension(ca.get(), ca.get(), NID_subject_key_identifier, "hash"));
  if (X509_sign(ca.get(), ca_key.get(), EVP_sha256()) == 0) return Failed("the authority cannot be signed");

  YZ_ASSIGN_OR_RETURN(Certificate certificate, Begin(key.get(), "localhost"));
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(ca.get()));
  YZ_RETURN_IF_ERROR(AddExtension(certificate.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE"));
  YZ_RETURN_IF_ERROR(AddExtension(certificate.get(), ca.get(), NID_key_usage, "critical,digitalSignature"));
  YZ_RETURN_IF_ERROR(AddExtension(certificate.get(), ca.get(), NID_ext_key_usage, "serverAuth"));
  YZ_RETURN_IF_ERROR(AddExtension(certificate.get(), ca.get(), NID_subject_alt_name,
                                  "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:" + domain + ",DNS:conference." + domain));
  YZ_RETURN_IF_ERROR(AddExtension(certificate.get(), ca.get(), NID_authority_key_identifier, "keyid"));
  if (X509_sign(certificate.get(), ca_key.get(), EVP_sha256()) == 0) return Failed("the certificate cannot be signed");

  YZ_RETURN_IF_ERROR(WritePem(paths.private_key, 0600, [&](FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }));
  YZ_RETURN_IF_ERROR(WritePem(paths.ca, 0644, [&](FILE* file) { return PEM_write_X509(file, ca.get()); }));
  return WritePem(paths.certificate, 0644, [&](FILE* file) { return PEM_write_X509(file, certificate.get()); });
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
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error)
    return Refuse(absl::StatusCode::kUnavailable, "TLS_FILE", "cannot make the folder " + dir + ": " + error.message());
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
  auto bad = [](const std::string& what) {
    return Refuse(absl::StatusCode::kInvalidArgument, "TLS_FILE", what + " (" + OpenSslError() + ")");
  };
  if (SSL_CTX_use_certificate_chain_file(c, paths.certificate.c_str()) != 1)
    return bad("the certificate " + paths.certificate + " cannot be read");
  if (SSL_CTX_use_PrivateKey_file(c, paths.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return bad("the private key " + paths.private_key + " cannot be read, or is not the key of " + paths.certificate);
  }
  if (SSL_CTX_check_private_key(c) != 1)
    return bad("the private key " + paths.private_key + " is not the key of " + paths.certificate);
  if (!alpn.empty()) SSL_CTX_set_alpn_select_cb(c, SelectProtocol, new std::string(alpn));  // as long as the process
  return context;
}

}  // namespace yizhan
