#include "engine/formats/safetensors.h"

#include "tests/engine/formats/support.h"

namespace crescent {
namespace {

SafetensorsFile::Header parse(std::string_view header, size_t data_bytes) {
  return SafetensorsFile::parse(as_bytes(safetensors_bytes(header, data_bytes)), "x.safetensors");
}

std::string refusal(std::string_view header, size_t data_bytes) {
  return message_of([&] { parse(header, data_bytes); });
}

TEST(SafetensorsFile, ReadsNamesTypesShapesAndData) {
  const auto file = SafetensorsFile::open(fixture("models/gpt2_old_buffers/model.safetensors"));
  ASSERT_EQ(file->entries().size(), 32u);
  EXPECT_EQ(file->metadata().at("format"), "pt");
  uint64_t end = file->entries().front().begin;
  for (const TensorEntry& entry : file->entries()) {
    EXPECT_EQ(entry.begin, end) << "entries come in file order: " << entry.name;
    EXPECT_EQ(file->data(entry).size(), entry.bytes);
    end = entry.begin + entry.bytes;
  }
  EXPECT_EQ(end, file->file()->bytes().size());
}

TEST(SafetensorsFile, ReadsEveryTypeScalarsAndEmptyTensorsAtAnyAlignment) {
  const auto header = parse(
      R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},
          "b":{"dtype":"F64","shape":[],"data_offsets":[3,11]},
          "c":{"dtype":"I64","shape":[1],"data_offsets":[11,19]},
          "d":{"dtype":"F32","shape":[2,0,5],"data_offsets":[19,19]},
          "e":{"dtype":"I32","shape":[1],"data_offsets":[19,23]},
          "f":{"dtype":"F16","shape":[1],"data_offsets":[23,25]},
          "g":{"dtype":"BF16","shape":[1],"data_offsets":[25,27]},
          "h":{"dtype":"I16","shape":[1],"data_offsets":[27,29]},
          "i":{"dtype":"I8","shape":[1],"data_offsets":[29,30]},
          "j":{"dtype":"BOOL","shape":[1],"data_offsets":[30,31]}}   )",
      31);
  std::string order;
  for (const TensorEntry& entry : header.entries) {
    order += entry.name + ":" + std::string(name_of(entry.dtype)) + " ";
  }
  EXPECT_EQ(order,
            "a:uint8 b:float64 c:int64 d:float32 e:int32 f:float16 g:bfloat16 h:int16 i:int8 "
            "j:bool ");
  EXPECT_TRUE(header.entries[1].shape.empty());
  EXPECT_EQ(header.entries[3].bytes, 0u);
}

TEST(SafetensorsFile, RefusesFilesTooShortForTheirHeader) {
  const auto parse_bytes = [](std::string_view bytes) {
    return message_of([&] { SafetensorsFile::parse(as_bytes(bytes), "x.safetensors"); });
  };
  const std::string expected =
      "x.safetensors: expected a safetensors file, whose first 8 bytes give the length of its "
      "header; here ";
  EXPECT_EQ(parse_bytes("1234567"), expected + "are only 7");
  EXPECT_EQ(parse_bytes(std::string("\x03\0\0\0\0\0\0\0{}", 10)),
            expected + "they give 3, and 2 bytes follow");
  EXPECT_EQ(parse_bytes("\xff\xff\xff\xff\xff\xff\xff\xff{}"),
            expected + "they give 18446744073709551615, and 2 bytes follow");
  EXPECT_EQ(refusal("", 4),
            "x.safetensors: expected a safetensors file, whose header is a JSON object; here it is "
            "nothing");
  EXPECT_EQ(refusal(" {}", 0),
            "x.safetensors: expected a safetensors file, whose header is a JSON object; here it is "
            "' '");
}

TEST(SafetensorsFile, RefusesAHeaderThatWouldTakeAHundredTimesItsBytes) {
  std::string lists = "[]";
  for (int i = 0; i < 70'000; ++i) lists += ",[]";
  EXPECT_EQ(refusal(R"({"a": [)" + lists + "]}", 0),
            "x.safetensors: header: expected at most 65536 values in 'a', found more");
  EXPECT_EQ(refusal(R"({"a": 1, "b": [)" + lists + "]}", 0),
            "x.safetensors: tensor 'a': expected an object, found 1")
      << "a tensor is looked at before the next one is read";
}

TEST(SafetensorsFile, RefusesAHeaderOverTheLimitWithoutReadingIt) {
  TemporaryFolder folder;
  folder.write("x.safetensors", std::string("\x01\xe1\xf5\x05\0\0\0\0", 8));  // 100,000,001
  std::filesystem::resize_file(folder / "x.safetensors", 100'000'100);        // sparse
  EXPECT_EQ(message_of([&] { SafetensorsFile::open(folder / "x.safetensors"); }),
            (folder / "x.safetensors") +
                ": header: expected at most 100000000 bytes, found a length of 100000001");
}

TEST(SafetensorsFile, RefusesWhatIsNotJsonOrNestsTooDeep) {
  EXPECT_EQ(refusal("{\"a\":,}", 0),
            "x.safetensors: header: not valid JSON at line 1, column 6: unexpected ','; expected "
            "'[', '{', or a literal");
  EXPECT_EQ(refusal("{\"a\":" + std::string(100'000, '['), 0),
            "x.safetensors: header: expected at most 64 levels of nesting, found more");
}

TEST(SafetensorsFile, RefusesANameThatAppearsTwice) {
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
                        "a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                    2),
            "x.safetensors: header: key 'a' appears twice in one object");
}

TEST(SafetensorsFile, RefusesNamesThatCannotBeShown) {
  EXPECT_EQ(refusal(R"({"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
            "x.safetensors: tensor '': expected a name, found an empty one");
  EXPECT_EQ(refusal(R"({"a\u001b[2J":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
            "x.safetensors: tensor 'a\\x1b[2J': expected a name without control characters, found "
            "some");
}

TEST(SafetensorsFile, RefusesMetadataOtherThanStrings) {
  EXPECT_EQ(refusal(R"({"__metadata__":[1]})", 0),
            "x.safetensors: header: expected __metadata__ to be an object of strings, found a list "
            "of 1");
  EXPECT_EQ(refusal(R"({"__metadata__":{"a":1}})", 0),
            "x.safetensors: header: expected __metadata__ to hold strings alone, found 1 at key "
            "'a'");
}

TEST(SafetensorsFile, RefusesEntriesThatLackAField) {
  EXPECT_EQ(refusal(R"({"a":7})", 0), "x.safetensors: tensor 'a': expected an object, found 7");
  EXPECT_EQ(refusal(R"({"a":{"shape":[1],"data_offsets":[0,1]}})", 1),
            "x.safetensors: tensor 'a': expected dtype, shape and data_offsets, found no dtype");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1),
            "x.safetensors: tensor 'a': expected dtype, shape and data_offsets, found no shape");
  EXPECT_EQ(
      refusal(R"({"a":{"dtype":"U8","shape":[1]}})", 1),
      "x.safetensors: tensor 'a': expected dtype, shape and data_offsets, found no data_offsets");
}

TEST(SafetensorsFile, RefusesTypesItDoesNotKnowByName) {
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1),
            "x.safetensors: tensor 'a': expected dtype to be one of F64, F32, F16, BF16, I64, I32, "
            "I16, I8, U8, BOOL, found 'F8_E4M3'");
  EXPECT_EQ(refusal(R"({"a":{"dtype":8,"shape":[1],"data_offsets":[0,1]}})", 1),
            "x.safetensors: tensor 'a': expected dtype to be one of F64, F32, F16, BF16, I64, I32, "
            "I16, I8, U8, BOOL, found 8");
}

TEST(SafetensorsFile, RefusesShapesThatAreNoShapesOrOverflow) {
  const auto with_shape = [](std::string_view shape) {
    return refusal(
        fmt::format(R"({{"a":{{"dtype":"F32","shape":{},"data_offsets":[0,4]}}}})", shape), 4);
  };
  EXPECT_EQ(with_shape("4"), "x.safetensors: tensor 'a': expected shape to be a list, found 4");
  EXPECT_EQ(with_shape("[1,-1]"),
            "x.safetensors: tensor 'a': expected shape to hold whole numbers below 2^63, found -1");
  EXPECT_EQ(with_shape("[1.0]"),
            "x.safetensors: tensor 'a': expected shape to hold whole numbers below 2^63, found "
            "1.0");
  EXPECT_EQ(with_shape("[9223372036854775808]"),
            "x.safetensors: tensor 'a': expected shape to hold whole numbers below 2^63, found "
            "9223372036854775808");
  EXPECT_EQ(with_shape("[4294967296,4294967296]"),
            "x.safetensors: tensor 'a': expected a shape of less than 2^63 bytes, found "
            "[4294967296, 4294967296]");
  EXPECT_EQ(with_shape("[0,4294967296,4294967296]"),
            "x.safetensors: tensor 'a': expected a shape of less than 2^63 bytes, found [0, "
            "4294967296, 4294967296]");
  std::string ones = "[1";
  for (int i = 0; i < 64; ++i) ones += ",1";
  EXPECT_EQ(with_shape(ones + "]"),
            "x.safetensors: tensor 'a': expected at most 64 dimensions, found 65");
}

TEST(SafetensorsFile, RefusesOffsetsThatAreNoOffsets) {
  const auto with_offsets = [](std::string_view offsets) {
    return refusal(
        fmt::format(R"({{"a":{{"dtype":"F32","shape":[1],"data_offsets":{}}}}})", offsets), 4);
  };
  EXPECT_EQ(with_offsets("[0,4,8]"),
            "x.safetensors: tensor 'a': expected data_offsets to be two whole numbers, found a "
            "list of 3");
  EXPECT_EQ(with_offsets("[-4,0]"),
            "x.safetensors: tensor 'a': expected data_offsets to be two whole numbers, found [-4, "
            "0]");
  EXPECT_EQ(with_offsets("[4,0]"),
            "x.safetensors: tensor 'a': expected data_offsets that don't run backwards, found [4, "
            "0]");
  EXPECT_EQ(with_offsets("[18446744073709551612,18446744073709551615]"),
            "x.safetensors: tensor 'a': expected data_offsets within the file's 4 bytes of data, "
            "found [18446744073709551612, 18446744073709551615]");
  EXPECT_EQ(with_offsets("[0,3]"),
            "x.safetensors: tensor 'a': expected 4 bytes for F32 [1], found 3 (data_offsets [0, "
            "3])");
}

TEST(SafetensorsFile, RefusesOverlappingTensors) {
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
                        "b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})",
                    7),
            "x.safetensors: tensor 'b': expected data_offsets from 4 on, where 'a' ends, found 3: "
            "the two overlap");
}

TEST(SafetensorsFile, RefusesBytesThatBelongToNoTensor) {
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
                        "b":{"dtype":"U8","shape":[4],"data_offsets":[6,10]}})",
                    10),
            "x.safetensors: tensor 'b': expected data_offsets from 4 on, where 'a' ends, found 6: "
            "2 bytes belong to no tensor");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}})", 5),
            "x.safetensors: tensor 'a': expected data_offsets from 0 on, where the data begin, "
            "found 1: 1 bytes belong to no tensor");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 9),
            "x.safetensors: expected the tensors to fill the file's 9 bytes of data, found 5 bytes "
            "that belong to no tensor at its end");
}

}  // namespace
}  // namespace crescent
