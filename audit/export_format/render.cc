#include "audit/export_format/render.h"

#include <initializer_list>

#include "audit/export_format/calendar.h"
#include "audit/tlog/hash.h"
#include "audit/tlog/text.h"

namespace yizhan::audit {
namespace {

constexpr std::string_view kDomain = "yizhan.invalid";

bool IsLetterOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Letters, digits and '-' as they are, any other byte as _hh: always a valid local part, and no two ids share one.
std::string LocalPart(std::string_view id) {
  std::string out;
  for (char c : id) out += IsLetterOrDigit(c) || c == '-' ? std::string(1, c) : Cat('_', ToHex({&c, 1}));
  return out.empty() ? "unknown" : out;
}

// RFC 2047: B-encoded words of whole characters, at most 75 bytes each, on lines of their own.
std::string EncodedWords(std::string_view text) {
  constexpr size_t kMostBytes = 45;
  std::string out;
  while (!text.empty()) {
    std::string_view rest = text;
    while (!rest.empty()) {
      std::string_view next = rest;
      if (!TakeCodePoint(&next)) next.remove_prefix(1);
      if (text.size() - next.size() > kMostBytes) break;
      rest = next;
    }
    out += Cat(out.empty() ? "" : "\r\n ", "=?UTF-8?B?", ToBase64(text.substr(0, text.size() - rest.size())), "?=");
    text = rest;
  }
  return out;
}

// A header's text: as it is when that is short, printable ASCII that nobody takes for something else.
std::string HeaderText(std::string_view text) {
  bool plain = text.size() <= 60 && text.find("=?") == std::string_view::npos &&
               (text.empty() || (text[0] != ' ' && text.back() != ' '));
  for (char c : text) plain = plain && c >= 0x20 && c < 0x7F;
  return plain ? std::string(text) : EncodedWords(text);
}

std::string Address(std::string_view name, std::string_view id) {
  const std::string address = Cat('<', LocalPart(id), '@', kDomain, '>');
  if (name.empty()) return address;
  bool words = name.size() <= 60 && name[0] != ' ' && name.back() != ' ';
  for (char c : name) words = words && (IsLetterOrDigit(c) || c == ' ');
  return words ? Cat(name, ' ', address) : Cat(EncodedWords(name), "\r\n ", address);
}

std::string MailDate(int64_t time_us) {
  constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto two = [](uint32_t n) { return n < 10 ? Cat('0', n) : std::to_string(n); };
  const CalendarTime t = ToCalendar(time_us);
  return Cat(kDays[t.weekday], ", ", t.day, ' ', kMonths[t.month - 1], ' ', t.year, ' ', two(t.hour), ':',
             two(t.minute), ':', two(t.second), " +0000");
}

std::string Body(const Item& item) {
  if (!item.undisclosed.empty()) return Cat("[not disclosed: ", item.undisclosed, "]\n");
  std::string body = item.Text();
  if (item.content.Find("unrendered") != nullptr)
    body += Cat(body.empty() ? "" : "\n", "[it has parts that are not shown]\n");
  if (const std::string event = item.Event(); !event.empty()) body += Cat(body.empty() ? "" : "\n", event, '\n');
  return body;
}

}  // namespace

std::string RenderEml(const Item& item) {
  const RecordView& record = item.record;
  const std::string conversation = item.Fact("conversation_id");
  std::string out;
  const auto header = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) out += Cat(name, ": ", value, "\r\n");
  };
  header("From", Address(item.AuthorName(), item.AuthorId()));
  header("To", Address(item.conversation_title, conversation.empty() ? record.partition : conversation));
  header("Date", MailDate(record.time_us));
  const std::string& title = item.conversation_title.empty() ? conversation : item.conversation_title;
  header("Subject", HeaderText(item.Event().empty() ? title : Cat('[', record.type, "] ", title)));
  header("Message-ID", Cat("<leaf-", item.leaf_index, '@', kDomain, '>'));
  if (!conversation.empty()) header("References", Cat("<conversation-", LocalPart(conversation), '@', kDomain, '>'));
  header("X-Yizhan-Item", std::to_string(item.number));
  header("X-Yizhan-Leaf", std::to_string(item.leaf_index));
  header("X-Yizhan-Partition", HeaderText(record.partition));
  header("X-Yizhan-Seq", std::to_string(record.seq));
  header("X-Yizhan-Time", FormatTime(record.time_us));
  header("X-Yizhan-Type", HeaderText(record.type));
  header("X-Yizhan-Actor", HeaderText(record.actor));
  header("X-Yizhan-Conversation", HeaderText(conversation));
  header("X-Yizhan-Conversation-Seq", item.Fact("seq"));
  header("X-Yizhan-Internal", item.Fact("internal"));
  if (const Json* reply = item.content.Find("reply_to_seq"))
    header("X-Yizhan-Reply-To-Seq", std::to_string(reply->number()));
  out += "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  const std::string body = ToBase64(Body(item));
  for (size_t i = 0; i < body.size(); i += 76) out += Cat(std::string_view(body).substr(i, 76), "\r\n");
  return out;
}

std::string CsvCell(std::string_view text) {
  std::string cell;
  for (std::string_view start : {"=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"}) {
    if (text.substr(0, start.size()) == start) cell.assign(1, '\'');
  }
  cell += text;
  if (cell.find_first_of("\",\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (char c : cell) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

std::string CsvHead() {
  return "\xEF\xBB\xBF"
         "item,time,partition,seq,type,conversation_id,conversation_title,conversation_seq,author_id,author_name,"
         "internal,"
         "text,event,undisclosed,leaf_index\r\n";
}

std::string CsvRow(const Item& item) {
  std::string row;
  for (const std::string& text :
       {std::to_string(item.number), FormatTime(item.record.time_us), item.record.partition,
        std::to_string(item.record.seq), item.record.type, item.Fact("conversation_id"), item.conversation_title,
        item.Fact("seq"), item.AuthorId(), item.AuthorName(), item.Fact("internal"), item.Text(), item.Event(),
        item.undisclosed, std::to_string(item.leaf_index)}) {
    row += Cat(row.empty() ? "" : ",", CsvCell(text));
  }
  return row + "\r\n";
}

}  // namespace yizhan::audit
