// What is read of a query, and what is refused.
#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "net/dns/answer_writer.hpp"
#include "net/dns/tcp_frames.hpp"
#include "net/dns/test_packets.hpp"
#include "net/dns/wire.hpp"

namespace swarm::dns {
namespace {

// Returns "formerr", "notimp", "ignored" or the name that was read.
std::string outcome(std::string_view packet) {
  const Read read = read_query(packet);
  if (std::holds_alternative<Ignored>(read)) return "ignored";
  if (const auto* broken = std::get_if<Broken>(&read))
    return broken->why == Rcode::formerr ? "formerr" : "notimp";
  return std::string(std::get<Query>(read).name.text());
}

const std::string kLabel63(63, 'x');
std::string label(std::size_t length) { return static_cast<char>(length) + std::string(length, 'x'); }
const std::string kRest = u16(kTypeA) + u16(kClassIn);

// What glibc 2.36 sends for getaddrinfo("Web").
TEST(Wire, ReadsAQueryOfGlibc) {
  const std::string packet = bytes_of("150a 0100 0001 0000 0000 0000 03576562 00 0001 0001");
  const auto query = std::get<Query>(read_query(packet));
  EXPECT_EQ(query.id, 0x150a);
  EXPECT_EQ(query.flags, kRecursionDesired);
  EXPECT_EQ(query.name.text(), "web");
  EXPECT_EQ(query.question, packet.substr(12)) << "with its case";
  EXPECT_EQ(query.type, kTypeA);
  EXPECT_EQ(query.klass, kClassIn);
  EXPECT_FALSE(query.edns);
}

// The form of dig 9.18: AD, and an OPT record with a cookie.
TEST(Wire, ReadsAQueryWithAnOptRecord) {
  const auto query =
      std::get<Query>(read_query(bytes_of("8f31 0120 0001 0000 0000 0001 057461736b73 03776562 00 001c 0001"
                                          "00 0029 04d0 00 00 8000 000c 000a 0008 d1c2a3b4e5f60718")));
  EXPECT_EQ(query.name.text(), "tasks.web");
  EXPECT_EQ(query.type, kTypeAaaa);
  ASSERT_TRUE(query.edns);
  EXPECT_EQ(query.edns->udp_size, 1232);
  EXPECT_EQ(query.edns->version, 0);
  EXPECT_TRUE(query.edns->dnssec_ok);
}

TEST(Wire, IgnoresResponsesAndWhatIsTooShortToKnow) {
  EXPECT_EQ(outcome(""), "ignored");
  EXPECT_EQ(outcome(bytes_of("123401")), "ignored");
  EXPECT_EQ(outcome(header({.flags = 0x8180}) + question("web", kTypeA)), "ignored");
  EXPECT_EQ(outcome(bytes_of("1234 8180")), "ignored");
}

TEST(Wire, RefusesWhatIsNoQueryOfOneQuestion) {
  EXPECT_EQ(outcome(bytes_of("1234 0100")), "formerr");
  EXPECT_EQ(outcome(header()), "formerr");
  EXPECT_EQ(outcome(header({.questions = 0})), "formerr");
  EXPECT_EQ(outcome(header({.questions = 2}) + question("a", kTypeA) + question("b", kTypeA)), "formerr");
  EXPECT_EQ(outcome(header({.answers = 2}) + question("a", kTypeA)), "formerr");
  EXPECT_EQ(outcome(header({.additional = 3}) + question("a", kTypeA)), "formerr");
  EXPECT_EQ(outcome(header({.additional = 1}) + question("a", kTypeA)), "formerr")
      << "a record that is not there";
  EXPECT_EQ(outcome(header({.flags = 0x2800}) + question("a", kTypeA)), "notimp");
  EXPECT_EQ(outcome(bytes_of("1234 1000")), "notimp") << "its opcode can be read";
}

TEST(Wire, EachShorterPacketIsRefusedAndNoneIsReadBeyondItsEnd) {
  const std::string whole = query("tasks.web", kTypeA, 4096);
  for (std::size_t size = 4; size < whole.size(); ++size)
    EXPECT_EQ(outcome(std::string(whole.substr(0, size))), "formerr") << size;
  EXPECT_EQ(outcome(whole), "tasks.web");
}

TEST(Wire, LabelsAndNamesHaveTheirLengths) {
  EXPECT_EQ(outcome(header() + label(63) + '\0' + kRest), kLabel63);
  EXPECT_EQ(outcome(header() + label(64) + '\0' + kRest), "formerr");
  EXPECT_EQ(outcome(header() + '\0' + kRest), "") << "the root";
  const std::string three = label(63) + label(63) + label(63);
  EXPECT_EQ(outcome(header() + three + label(61) + '\0' + kRest).size(), 253U) << "255 bytes";
  EXPECT_EQ(outcome(header() + three + label(62) + '\0' + kRest), "formerr") << "256 bytes";
  EXPECT_EQ(outcome(header() + three + label(63) + label(63) + '\0' + kRest), "formerr");
}

TEST(Wire, PointersInAQuestionAreRefused) {
  EXPECT_EQ(outcome(header() + bytes_of("c00c") + kRest), "formerr") << "to itself";
  EXPECT_EQ(outcome(header() + label(3) + bytes_of("c00c") + kRest), "formerr") << "a loop";
  EXPECT_EQ(outcome(header() + bytes_of("c000") + kRest), "formerr") << "to the header";
  EXPECT_EQ(outcome(header() + bytes_of("ffff") + kRest), "formerr") << "beyond the packet";
  EXPECT_EQ(outcome(header() + bytes_of("41") + std::string(65, 'x') + '\0' + kRest), "formerr");
  EXPECT_EQ(outcome(header() + bytes_of("80") + std::string(128, 'x') + '\0' + kRest), "formerr");
}

TEST(Wire, APointerInALaterRecordIsNotFollowed) {
  const std::string record = bytes_of("c00c") + u16(250) + u16(255) + std::string(4, '\0') + u16(2) + "xx";
  EXPECT_EQ(outcome(header({.additional = 2}) + question("web", kTypeA) + opt(1232) + record), "web");
  EXPECT_EQ(outcome(header({.additional = 2}) + question("web", kTypeA) + record + record.substr(0, 9)),
            "formerr");
}

TEST(Wire, OneOptRecordOfTheRootAmongTheAdditionalOnes) {
  const std::string web = question("web", kTypeA);
  EXPECT_EQ(outcome(header({.additional = 2}) + web + opt(1232) + opt(1232)), "formerr");
  EXPECT_EQ(outcome(header({.additional = 1}) + web + label(1) + opt(1232)), "formerr");
  EXPECT_EQ(outcome(header({.answers = 1}) + web + opt(1232)), "formerr");
}

TEST(Wire, ADotInsideALabelIsNoName) {
  const std::string dotted = std::string("\x09") + "tasks.web" + '\0';
  const std::string packet = header() + dotted + kRest;
  const auto query = std::get<Query>(read_query(packet));
  EXPECT_FALSE(query.name.plain());
}

TEST(Encoded, IsANameByItsLabelsOrNothing) {
  EXPECT_EQ(encoded("web.net"), std::string("\3web\3net\0", 9));
  EXPECT_EQ(encoded(kLabel63).size(), 65U);
  for (const std::string& wrong : {std::string(), std::string("."), std::string("a..b"), std::string(".a"),
                                   std::string("a."), kLabel63 + "x"})
    EXPECT_EQ(encoded(wrong), "") << wrong;
  const std::string three = kLabel63 + "." + kLabel63 + "." + kLabel63 + ".";
  EXPECT_EQ(encoded(three + std::string(61, 'y')).size(), 255U);
  EXPECT_EQ(encoded(three + std::string(62, 'y')), "");
}

TEST(TcpFrames, MessagesComeInPiecesAndSeveralAtOnce) {
  const std::string bytes = framed("first") + framed("") + framed("second");
  TcpFrames whole;
  whole.add(bytes);
  EXPECT_EQ(whole.next(), "first");
  EXPECT_EQ(whole.next(), "");
  EXPECT_EQ(whole.next(), "second");
  EXPECT_EQ(whole.next(), std::nullopt);
  TcpFrames pieces;
  std::string got;
  for (const char one : bytes) {
    pieces.add(std::string(1, one));
    while (const auto next = pieces.next()) got += "[" + *next + "]";
  }
  EXPECT_EQ(got, "[first][][second]");
  EXPECT_EQ(framed(std::string(65'535, 'x')).size(), 65'537U);
}

}  // namespace
}  // namespace swarm::dns
