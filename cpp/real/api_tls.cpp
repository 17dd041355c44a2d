#include "real/api_tls.hpp"

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "real/files.hpp"
#include "real/tls/tls_context.hpp"

namespace swarm::real {
namespace {

// As the docker CLI: $DOCKER_CERT_PATH, or ~/.docker.
std::string in_dockers_folder(const char* name) {
  const char* folder = std::getenv("DOCKER_CERT_PATH");
  const char* home = std::getenv("HOME");
  if (folder != nullptr && *folder != '\0') return std::string(folder) + "/" + name;
  return std::string(home != nullptr ? home : "") + "/.docker/" + name;
}

Result<std::string> read(const char* flag, const std::string& named, const char* name) {
  const std::string path = named.empty() ? in_dockers_folder(name) : named;
  auto content = read_file(path);
  if (content) return content;
  return Error{Code::invalid_argument, "TLS for the API: " + content.error().message,
               "name the file with " + std::string(flag), false, 0};
}

}  // namespace

Result<std::shared_ptr<TlsContext>> api_context(const ApiTls& files) {
  if (!files.on) return std::shared_ptr<TlsContext>();
  TlsContext::ApiCredentials credentials;
  auto certificate = read("--tlscert", files.certificate, "cert.pem");
  if (!certificate) return certificate.error();
  auto key = read("--tlskey", files.key, "key.pem");
  if (!key) return key.error();
  credentials.certificate_pem = std::move(*certificate);
  credentials.key_pem = std::move(*key);
  if (files.verify) {
    auto ca = read("--tlscacert", files.ca, "ca.pem");
    if (!ca) return ca.error();
    // What is empty would ask for nothing.
    credentials.client_roots_pem = ca->empty() ? "nothing" : std::move(*ca);
  }
  auto made = TlsContext::make_for_api(credentials);
  if (made) return made;
  return Error{Code::invalid_argument, "TLS for the API: " + made.error().message,
               "give --tlscacert, --tlscert and --tlskey files that belong together", false, 0};
}

}  // namespace swarm::real
