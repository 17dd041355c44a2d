// ImageCatalogue: what an image is on a runner that has no container images: a named command.
//
// Built in are those of model/builtin_images.hpp: web and redis stand-ins run our small server, shells the
// command that they are given. Users add their own, of one tag or of any ("NAME:*"), which come first and
// survive restarts (file "images" in the data root).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "faults/fault.hpp"
#include "model/container_spec.hpp"
#include "ports/runner.hpp"

namespace swarm::real {

class ImageCatalogue {
 public:
  // `web_program`: the path of swarm-web.
  static Result<ImageCatalogue> open(const std::string& path, const std::string& web_program);

  // What a task of this spec executes; nothing when there is no such image.
  std::optional<std::vector<std::string>> command_of(const model::ContainerSpec& spec) const;
  // How tasks behave that begin from now on (faults of kind `image`; the last of an image counts): it does
  // not exist, its tasks exit by themselves, ignore SIGTERM, start late. A shell around the image's own
  // command.
  void set_faults(const std::vector<faults::Fault>& faults);
  bool is_users_own(const std::string& image) const;
  std::uint32_t own_port(const std::string& image) const;  // where a stand-in listens; 0: nowhere
  std::vector<ports::Image> images() const;
  Result<void> add(const ports::Image& image);

 private:
  ImageCatalogue(std::string path, std::string web_program)
      : path_(std::move(path)), web_program_(std::move(web_program)) {}
  Result<void> load();
  std::optional<std::vector<std::string>> own_command(const model::ContainerSpec& spec) const;
  const std::vector<std::string>* added(const std::string& reference) const;

  std::string path_, web_program_;
  std::map<std::string, faults::Fault> faults_;            // by normal reference
  std::map<std::string, std::vector<std::string>> added_;  // by normal reference
};

}  // namespace swarm::real
