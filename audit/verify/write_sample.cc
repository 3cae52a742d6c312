// Writes the sample export, its public key beside it, for verifiers that are not ours:
//   export_write_sample DIR  ->  DIR/export/, DIR/vkey
#include <fstream>
#include <iostream>

#include "audit/export_format/sample_export.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: export_write_sample DIR\n";
    return 2;
  }
  const yizhan::audit::SampleArchive archive;
  const std::filesystem::path dir = argv[1];
  if (const absl::Status status = archive.Export(dir / "export", archive.records().size()); !status.ok()) {
    std::cerr << status << "\n";
    return 1;
  }
  std::ofstream(dir / "vkey") << archive.signer().key().ToString() << "\n";
  return 0;
}
