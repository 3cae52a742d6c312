#include "base/tls_certificates.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/status.h"

namespace yizhan::tls {
namespace {

struct CloseFile {
  void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, CloseFile>;

absl::Status CannotWrite(const std::string& path, int error) {
  return Refuse(absl::StatusCode::kUnavailable, "TLS_FILE", "cannot write " + path + ": " + std::strerror(error));
}

absl::StatusOr<File> OpenToRead(const std::string& path) {
  File file(std::fopen(path.c_str(), "re"));
  if (file != nullptr) return file;
  return Refuse(absl::StatusCode::kInvalidArgument, "TLS_FILE", "cannot read " + path + ": " + std::strerror(errno));
}

// A key file with a password is refused rather than asked for on the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

}  // namespace

std::string OpenSslError() {
  char text[256] = "unknown error";
  if (unsigned long code = ERR_peek_last_error()) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return text;
}

absl::Status Failed(const std::string& what) { return absl::InternalError(what + ": " + OpenSslError()); }

absl::Status BadFile(const std::string& what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "TLS_FILE", what + " (" + OpenSslError() + ")");
}

absl::StatusOr<Certificate> Begin(EVP_PKEY* key, const std::string& name, int days) {
  Certificate certificate(X509_new());
  unsigned char serial[16];
  if (certificate == nullptr || RAND_bytes(serial, sizeof(serial)) != 1) return Failed("no certificate");
  serial[0] &= 0x7F;
  BIGNUM* number = BN_bin2bn(serial, sizeof(serial), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_set_version(certificate.get(), 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * 86400L);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()), -1, 0);
  return certificate;
}

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

absl::Status AddAuthorityExtensions(X509* ca) {
  YZ_RETURN_IF_ERROR(AddExtension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  YZ_RETURN_IF_ERROR(AddExtension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign"));
  return AddExtension(ca, ca, NID_subject_key_identifier, "hash");
}

absl::Status AddLeafExtensions(X509* certificate, X509* ca, const std::string& usage, const std::string& names) {
  YZ_RETURN_IF_ERROR(AddExtension(certificate, ca, NID_basic_constraints, "critical,CA:FALSE"));
  YZ_RETURN_IF_ERROR(AddExtension(certificate, ca, NID_key_usage, "critical,digitalSignature"));
  YZ_RETURN_IF_ERROR(AddExtension(certificate, ca, NID_ext_key_usage, usage));
  YZ_RETURN_IF_ERROR(AddExtension(certificate, ca, NID_subject_alt_name, names));
  return AddExtension(certificate, ca, NID_authority_key_identifier, "keyid");
}

absl::StatusOr<Certificate> ReadCertificate(const std::string& path) {
  YZ_ASSIGN_OR_RETURN(File file, OpenToRead(path));
  ERR_clear_error();
  Certificate certificate(PEM_read_X509(file.get(), nullptr, NoPassword, nullptr));
  if (certificate == nullptr) return BadFile("there is no certificate in " + path);
  return certificate;
}

absl::StatusOr<Key> ReadKey(const std::string& path) {
  YZ_ASSIGN_OR_RETURN(File file, OpenToRead(path));
  ERR_clear_error();
  Key key(PEM_read_PrivateKey(file.get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) return BadFile("there is no private key without a password in " + path);
  return key;
}

absl::Status MakeFolder(const std::string& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (!error) return absl::OkStatus();
  return Refuse(absl::StatusCode::kUnavailable, "TLS_FILE", "cannot make the folder " + dir + ": " + error.message());
}

absl::StatusOr<PemFile> PemFile::Write(const std::string& path, mode_t mode, const std::function<int(FILE*)>& write) {
  PemFile pem(path);
  const std::string temporary = pem.Temporary();
  ::unlink(temporary.c_str());
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  File file(fd < 0 ? nullptr : ::fdopen(fd, "w"));
  bool ok = file != nullptr && write(file.get()) == 1 && std::fflush(file.get()) == 0 && ::fsync(fd) == 0;
  int error = errno;
  if (!ok) return CannotWrite(path, error);
  if (std::fclose(file.release()) != 0) return CannotWrite(path, errno);
  return pem;
}

absl::StatusOr<PemFile> PemFile::WriteKey(const std::string& path, EVP_PKEY* key) {
  return Write(path, 0600,
               [key](FILE* file) { return PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

absl::StatusOr<PemFile> PemFile::WriteCertificate(const std::string& path, X509* certificate) {
  return Write(path, 0644, [certificate](FILE* file) { return PEM_write_X509(file, certificate); });
}

PemFile::PemFile(PemFile&& other) noexcept : path_(std::exchange(other.path_, "")) {}

PemFile::~PemFile() {
  if (!path_.empty()) ::unlink(Temporary().c_str());
}

absl::Status PemFile::Publish() {
  if (std::rename(Temporary().c_str(), path_.c_str()) != 0) return CannotWrite(path_, errno);
  path_.clear();
  return absl::OkStatus();
}

}  // namespace yizhan::tls
