// OpenSSL's keys and certificates, for tls*.cc only.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/types.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace yizhan::tls {

// How long the certificates of servers and services hold.
inline constexpr int kDays = 825;

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;

// The oldest error of this thread's queue, which is emptied.
std::string OpenSslError();
// Internal: what OpenSSL refused to do.
absl::Status Failed(const std::string& what);
// A refusal TLS_FILE that ends with OpenSSL's error.
absl::Status BadFile(const std::string& what);

// A certificate for `key` that holds from an hour ago for `days`, without issuer, extensions and signature.
absl::StatusOr<Certificate> Begin(EVP_PKEY* key, const std::string& name, int days);
// An extension in OpenSSL's configuration syntax.
absl::Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value);
// Those of an authority that signs nothing but leaves, or of a leaf for this usage and these names.
absl::Status AddAuthorityExtensions(X509* ca);
absl::Status AddLeafExtensions(X509* certificate, X509* ca, const std::string& usage, const std::string& names);

// InvalidArgument (TLS_FILE) when it cannot be read. A certificate is the file's first.
absl::StatusOr<Certificate> ReadCertificate(const std::string& path);
absl::StatusOr<Key> ReadKey(const std::string& path);

// Makes the folder, with its parents. Unavailable (TLS_FILE).
absl::Status MakeFolder(const std::string& dir);

// A file that appears under its name, whole and synced, when it is published; gone otherwise.
class PemFile {
 public:
  // Unavailable (TLS_FILE) when it cannot be written.
  static absl::StatusOr<PemFile> Write(const std::string& path, mode_t mode, const std::function<int(FILE*)>& write);
  static absl::StatusOr<PemFile> WriteKey(const std::string& path, EVP_PKEY* key);
  static absl::StatusOr<PemFile> WriteCertificate(const std::string& path, X509* certificate);
  PemFile(PemFile&& other) noexcept;
  PemFile& operator=(PemFile&&) = delete;
  ~PemFile();
  absl::Status Publish();

 private:
  explicit PemFile(std::string path) : path_(std::move(path)) {}
  std::string Temporary() const { return path_ + ".new"; }
  std::string path_;  // empty once it is published or moved from
};

}  // namespace yizhan::tls
