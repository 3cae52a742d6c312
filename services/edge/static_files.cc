#include "edge/static_files.h"

#include <openssl/sha.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "edge/credentials.h"

namespace yizhan::edge {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxBytes = 128u << 20;
constexpr size_t kMinGzipBytes = 512;

struct App {
  const char* folder;
  const char* prefix;
};
constexpr App kApps[] = {
    {"client", "/"}, {"workbench", "/desk/"}, {"audit", "/audit/"}, {"console", "/admin/"}, {"widget", "/widget/"}};

struct Type {
  const char* extension;
  const char* type;
  bool compresses;
};
constexpr Type kTypes[] = {
    {".html", "text/html; charset=utf-8", true},
    {".js", "text/javascript; charset=utf-8", true},
    {".mjs", "text/javascript; charset=utf-8", true},
    {".css", "text/css; charset=utf-8", true},
    {".json", "application/json", true},
    {".map", "application/json", true},
    {".svg", "image/svg+xml", true},
    {".txt", "text/plain; charset=utf-8", true},
    {".webmanifest", "application/manifest+json", true},
    {".wasm", "application/wasm", true},
    {".png", "image/png", false},
    {".jpg", "image/jpeg", false},
    {".webp", "image/webp", false},
    {".gif", "image/gif", false},
    {".ico", "image/x-icon", false},
    {".woff2", "font/woff2", false},
    {".mp3", "audio/mpeg", false},
    {".ogg", "audio/ogg", false},
    {".wav", "audio/wav", false},
};

const Type* TypeOf(const fs::path& path) {
  std::string extension = path.extension().string();
  for (const Type& type : kTypes) {
    if (extension == type.extension) return &type;
  }
  return nullptr;
}

std::shared_ptr<const std::string> Gzip(const std::string& plain) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK) return nullptr;
  std::string out(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END || out.size() + out.size() / 10 > plain.size()) return nullptr;
  return std::make_shared<const std::string>(std::move(out));
}

// "index-B3xk29Qf.js": the bundler's name holds a digest of the content.
bool IsHashedName(const fs::path& path) {
  if (path.parent_path().filename() != "assets") return false;
  std::string stem = path.stem().string();
  size_t dash = stem.rfind('-');
  return dash != std::string::npos && stem.size() - dash - 1 >= 8;
}

// A word of an Accept-Encoding list, without a q of 0.
bool AcceptsGzip(std::string_view header) {
  while (!header.empty()) {
    size_t end = std::min(header.find(','), header.size());
    std::string_view item = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    if (item.substr(0, 4) != "gzip") continue;
    item.remove_prefix(4);
    size_t q = item.find("q=");
    return q == std::string_view::npos || item.substr(q + 2).find_first_of("123456789") != std::string_view::npos;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<StaticFiles>> StaticFiles::Load(const StaticOptions& options) {
  auto files = std::unique_ptr<StaticFiles>(new StaticFiles);
  for (const App& app : kApps) YZ_RETURN_IF_ERROR(files->ReadApp(options.dir + "/" + app.folder, app.prefix));
  if (files->files_.empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "PAGES_MISSING",
                  "the folder " + options.dir + " holds no built pages");
  }
  return files;
}

absl::Status StaticFiles::ReadApp(const std::string& folder, const std::string& prefix) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return absl::OkStatus();
  prefixes_.push_back(prefix);
  fs::recursive_directory_iterator entries(folder, error), end;
  for (; !error && entries != end; entries.increment(error)) {
    // No link out of the folder, nothing hidden, nothing whose type is not known.
    if (!entries->is_regular_file(error) || entries->is_symlink(error)) continue;
    const Type* type = TypeOf(entries->path());
    fs::path relative = entries->path().lexically_relative(folder);
    if (type == nullptr || relative.string().find("/.") != std::string::npos || relative.string().front() == '.')
      continue;
    std::ifstream in(entries->path(), std::ios::binary);
    std::stringstream bytes;
    bytes << in.rdbuf();
    if (!in) return Refuse(absl::StatusCode::kUnavailable, "PAGES_MISSING", "cannot read " + entries->path().string());
    File file;
    file.plain = std::make_shared<const std::string>(std::move(bytes).str());
    bytes_ += file.plain->size();
    if (bytes_ > kMaxBytes) {
      return Refuse(absl::StatusCode::kInvalidArgument, "PAGES_TOO_LARGE",
                    "the pages below " + folder + " exceed 128 MiB: is it the right folder?");
    }
    if (type->compresses && file.plain->size() >= kMinGzipBytes) file.gzip = Gzip(*file.plain);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(file.plain->data()), file.plain->size(), digest);
    file.etag = "W/\"" + absl::BytesToHexString(std::string(reinterpret_cast<char*>(digest), 12)) + "\"";
    file.type = type->type;
    file.page = entries->path().extension() == ".html";
    file.hashed = IsHashedName(relative);
    std::string path = prefix + relative.generic_string();
    if (relative == "index.html") files_[prefix] = file;
    files_[path] = std::move(file);
  }
  if (error)
    return Refuse(absl::StatusCode::kUnavailable, "PAGES_MISSING",
                  "cannot read the folder " + folder + ": " + error.message());
  return absl::OkStatus();
}

const StaticFiles::File* StaticFiles::Find(std::string_view path) const {
  auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second;
}

std::string StaticFiles::Policy(const http::Request& request, std::string_view path,
                                std::string_view embedding_sites) const {
  std::string host = ProperHost(request);
  std::string connect = "connect-src 'self'";
  if (!host.empty()) absl::StrAppend(&connect, request.secure ? " wss://" : " ws://", host);
  return absl::StrCat(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; media-src "
      "'self' blob:; ",
      connect, "; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; ",
      path == "/widget/demo.html" ? "frame-src 'self'; " : "", "frame-ancestors ",
      path == kFramePath ? "'self'" + std::string(embedding_sites) : std::string("'none'"));
}

http::Response StaticFiles::Serve(const http::Request& request, std::string_view embedding_sites) const {
  if (request.method != "GET" && request.method != "HEAD") {
    http::Response response = http::TextResponse(405, "pages are read by GET\n");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  std::string path;
  if (!http::PercentDecode(request.path, false, &path) || path.empty() || path.front() != '/' ||
      path.find('\0') != std::string::npos || path.find("/../") != std::string::npos ||
      path.find("/./") != std::string::npos || path.find('\\') != std::string::npos ||
      (path.size() >= 3 && path.substr(path.size() - 3) == "/..")) {
    return http::TextResponse(400, "this is not a path\n");
  }
  const File* file = Find(path);
  if (file == nullptr) {
    // "/desk" is "/desk/"; a page's own route gets the page (one level down, where its relative names still lead home).
    std::string home = "/";
    for (const std::string& prefix : prefixes_) {
      if (path + "/" == prefix) {
        http::Response response = http::TextResponse(308, "");
        response.headers.emplace_back("Location", prefix);
        return response;
      }
      if (prefix.size() > home.size() && path.compare(0, prefix.size(), prefix) == 0) home = prefix;
    }
    std::string rest = path.substr(home.size());
    const File* page = Find(home);
    if (page == nullptr || rest.find('.') != std::string::npos || home == "/widget/")
      return http::TextResponse(404, "there is no such page\n");
    if (rest.find('/') != std::string::npos) {
      http::Response response = http::TextResponse(302, "");
      response.headers.emplace_back("Location", home);
      return response;
    }
    file = page;
    path = home;
  }
  http::Response response;
  response.headers = {
      {"Content-Type", file->type},
      {"ETag", file->etag},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", path.compare(0, 8, "/widget/") == 0 ? "cross-origin" : "same-origin"}};
  // The frame's policy changes without its content: what a browser has kept must not outlive it.
  const bool frame = path == kFramePath;
  if (frame) {
    response.headers.emplace_back("Cache-Control", "no-store");
  } else if (file->hashed) {
    response.headers.emplace_back("Cache-Control", "public, max-age=31536000, immutable");
  } else if (path.compare(0, 8, "/widget/") == 0 && !file->page) {
    response.headers.emplace_back("Cache-Control", "public, max-age=300");
  } else {
    response.headers.emplace_back("Cache-Control", "no-cache");
  }
  if (file->page) {
    response.headers.emplace_back("Content-Security-Policy", Policy(request, path, embedding_sites));
    response.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
    response.headers.emplace_back("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
  }
  if (file->gzip != nullptr) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (std::string_view seen = request.Header("if-none-match");
      !frame && (seen == "*" || seen.find(file->etag) != std::string_view::npos)) {
    response.status = 304;
    return response;
  }
  if (file->gzip != nullptr && AcceptsGzip(request.Header("accept-encoding"))) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.shared_body = file->gzip;
  } else {
    response.shared_body = file->plain;
  }
  return response;
}

}  // namespace yizhan::edge
