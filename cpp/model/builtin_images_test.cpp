#include "model/builtin_images.hpp"

#include <gtest/gtest.h>

namespace swarm::model {
namespace {

bool known(const char* image) { return find_builtin_image(normal_reference(image)) != nullptr; }

TEST(BuiltinImages, KnowTheTagsThatPeopleWrite) {
  for (const char* image : {"nginx",
                            "nginx:latest",
                            "nginx:1",
                            "nginx:1.10",
                            "nginx:1.29",
                            "nginx:1.14.2",
                            "nginx:alpine",
                            "nginx:1.25-alpine",
                            "nginx:1.27.3-alpine-slim",
                            "nginx:stable-alpine",
                            "nginx:mainline",
                            "docker.io/library/nginx:1.21",
                            "httpd:2.4",
                            "httpd:2.4.62-alpine",
                            "redis:3.0.6",
                            "redis:3.0.7",
                            "redis:7-alpine",
                            "redis:7.4",
                            "redis:8",
                            "redis:alpine",
                            "alpine",
                            "alpine:3.20",
                            "alpine:3.19.1",
                            "alpine:edge",
                            "library/alpine:3",
                            "busybox:1.36",
                            "busybox:1.36.1-musl",
                            "busybox:stable",
                            "ubuntu:14.04",
                            "ubuntu:24.04",
                            "ubuntu:jammy",
                            "ubuntu:25.10",
                            "debian:12",
                            "debian:12.5-slim",
                            "debian:bookworm-slim",
                            "debian:trixie",
                            "swarmpy/web",
                            "swarmpy/web:whatever"})
    EXPECT_TRUE(known(image)) << image;
}

TEST(BuiltinImages, KnowNoOthers) {
  for (const char* image : {"nginx:nosuch",     "nginx:1.9",       "nginx:1.30",           "nginx:1.99",
                            "nginx:2",          "nginx:1.",        "nginx:1.010",          "nginx:1.10.",
                            "nginx:1.10.99",    "nginx:alpin",     "nginx:latest-alpine",  "nginx:-alpine",
                            "nginx:1.25-alpin", "nginx@sha256:00", "nginx:1.25@sha256:00", "httpd:2.5",
                            "redis:9",          "redis:7.3",       "alpine:3.99",          "alpine:4",
                            "busybox:2",        "ubuntu:24",       "ubuntu:99.04",         "debian:99",
                            "debian:12-fat",    "nosuch",          "someuser/nginx",       "reg:5000/nginx",
                            "nginx:latest ",    "nginx: latest"})
    EXPECT_FALSE(known(image)) << image;
}

TEST(BuiltinImages, ReferencesHaveOneForm) {
  EXPECT_EQ(normal_reference("nginx"), "nginx:latest");
  EXPECT_EQ(normal_reference("docker.io/library/nginx:1"), "nginx:1");
  EXPECT_EQ(normal_reference("docker.io/a/b"), "a/b:latest");
  EXPECT_EQ(normal_reference("reg:5000/a"), "reg:5000/a:latest");
  EXPECT_EQ(normal_reference("a@sha256:1"), "a@sha256:1");
  EXPECT_EQ(repository_of("reg:5000/a:1"), "reg:5000/a");
  EXPECT_EQ(repository_of("a@sha256:1"), "a");
  EXPECT_EQ(any_tag_of("reg:5000/a:1"), "reg:5000/a:*");
}

}  // namespace
}  // namespace swarm::model
