// CertificateFiles: the node's certificate, its key and the swarm's root, as Docker lays them out: one file
// each in DATA_ROOT/swarm/certificates, their owner's alone. A write replaces all of them or none: the new
// folder is made beside the old one and takes its place by its name. What others have put there is not read,
// and goes with the next write.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ports/disk.hpp"

namespace swarm::real {

void apply_to_files(const ports::DiskOp& op, std::map<std::string, std::string>& files);  // name -> text

class CertificateFiles {
 public:
  // Ends what a crash left half done.
  static Result<CertificateFiles> open(std::string folder);

  const std::map<std::string, std::string>& content() const { return content_; }
  // Durable when it returns.
  Result<void> write(const std::vector<ports::DiskOp>& ops);
  Result<void> wipe();

 private:
  explicit CertificateFiles(std::string folder) : folder_(std::move(folder)) {}
  Result<void> recover();
  Result<void> read();
  Result<void> write_beside(const std::map<std::string, std::string>& content);
  Result<void> put_in_place();
  Result<void> remove_beside();

  std::string beside() const { return folder_ + ".new"; }
  std::string past() const { return folder_ + ".old"; }
  std::string parent() const;

  std::string folder_;
  std::map<std::string, std::string> content_;
};

}  // namespace swarm::real
