// The pages: built files, held in memory, with the headers that keep a browser strict.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/http/message.h"

namespace yizhan::edge {

struct StaticOptions {
  // The pages' build output: client, workbench, audit, console and widget below it. What is absent is not served.
  std::string dir;
};

class StaticFiles {
 public:
  // Reads everything: client at /, workbench at /desk/, audit at /audit/, console at /admin/, widget at /widget/.
  // InvalidArgument when the folder holds no page, or the files exceed 128 MiB.
  static absl::StatusOr<std::unique_ptr<StaticFiles>> Load(const StaticOptions& options);

  // The page inside the widget: whose pages may embed it depends on its channel.
  static constexpr char kFramePath[] = "/widget/frame.html";

  // Any thread. GET and HEAD; unknown names without an extension get the app's page, which routes by itself. No page
  // may be embedded, but the widget's frame by our own pages and by `embedding_sites`: CSP sources, each after a space.
  http::Response Serve(const http::Request& request, std::string_view embedding_sites = "") const;

 private:
  struct File {
    std::shared_ptr<const std::string> plain, gzip;  // gzip null where it does not pay
    std::string type, etag;
    bool page = false, hashed = false;
  };
  absl::Status ReadApp(const std::string& folder, const std::string& prefix);
  const File* Find(std::string_view path) const;
  std::string Policy(const http::Request& request, std::string_view path, std::string_view embedding_sites) const;

  std::map<std::string, File, std::less<>> files_;
  std::vector<std::string> prefixes_;
  size_t bytes_ = 0;
};

}  // namespace yizhan::edge
