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
  // Sites whose pages may embed the widget, as CSP sources: "https://www.bank.example". Our own address always may.
  std::vector<std::string> widget_sites;
};

class StaticFiles {
 public:
  // Reads everything: client at /, workbench at /desk/, audit at /audit/, console at /admin/, widget at /widget/.
  // InvalidArgument when the folder holds no page, a site is not a proper source, or the files exceed 128 MiB.
  static absl::StatusOr<std::unique_ptr<StaticFiles>> Load(const StaticOptions& options);

  // Any thread. GET and HEAD; unknown names without an extension get the app's page, which routes by itself.
  http::Response Serve(const http::Request& request) const;

 private:
  struct File {
    std::shared_ptr<const std::string> plain, gzip;  // gzip null where it does not pay
    std::string type, etag;
    bool page = false, hashed = false;
  };
  absl::Status ReadApp(const std::string& folder, const std::string& prefix);
  const File* Find(std::string_view path) const;
  std::string Policy(const http::Request& request, std::string_view path) const;

  std::map<std::string, File, std::less<>> files_;
  std::vector<std::string> prefixes_;
  std::string widget_sites_;
  size_t bytes_ = 0;
};

}  // namespace yizhan::edge
