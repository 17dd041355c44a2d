// ImageCatalogue: what an image is on a runner that has no container images: a named command.
//
// Built in: nginx, httpd and swarmpy/web (any tag) are our small web server; ubuntu, debian, alpine and
// busybox (any tag) run the command that they are given, a shell when there is none. Users add their own,
// which come first and survive restarts (file "images" in the data root).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/container_spec.hpp"
#include "ports/runner.hpp"

namespace swarm::real {

// "docker.io/library/nginx@sha256:..." -> "nginx:latest".
std::string normal_reference(std::string_view image);

class ImageCatalogue {
 public:
  // `web_program`: the path of swarm-web.
  static Result<ImageCatalogue> open(const std::string& path, const std::string& web_program);

  // What a task of this spec executes; nothing when there is no such image.
  std::optional<std::vector<std::string>> command_of(const model::ContainerSpec& spec) const;
  bool is_web(const std::string& image) const;  // the stand-in, which serves port 80
  std::vector<ports::Image> images() const;
  Result<void> add(const ports::Image& image);

 private:
  ImageCatalogue(std::string path, std::string web_program)
      : path_(std::move(path)), web_program_(std::move(web_program)) {}
  Result<void> load();

  std::string path_, web_program_;
  std::map<std::string, std::vector<std::string>> added_;  // by normal reference
};

}  // namespace swarm::real
