#!/bin/sh
# Makes onnx.pb.swift from onnx.proto.
#
# Needs protoc (apt-get install protobuf-compiler). The plugin is built from the swift-protobuf that
# this package depends on, so that generated code and library always match.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH= cd -- "$here/../../.." && pwd)

command -v protoc >/dev/null || {
    echo "protoc is missing: apt-get install protobuf-compiler" >&2
    exit 1
}

swift package --package-path "$root" resolve
library=$root/.build/checkouts/swift-protobuf
plugin_build=$root/.build/protoc-gen-swift
swift build --package-path "$library" --scratch-path "$plugin_build" --product protoc-gen-swift
plugin=$(swift build --package-path "$library" --scratch-path "$plugin_build" --show-bin-path)

# The generator's output is not held to this package's import settings, hence the internal import.
protoc --plugin="$plugin/protoc-gen-swift" --proto_path="$here" \
    --swift_opt=Visibility=Internal --swift_opt=UseAccessLevelOnImports=true \
    --swift_out="$here" "$here/onnx.proto"

# Strict memory safety wants this use of a nonisolated(unsafe) constant marked; the generator does
# not know that yet. The constant is never changed: it stands for an empty message.
sed -i 's/= _StorageClass\.defaultInstance/= unsafe _StorageClass.defaultInstance/' \
    "$here/onnx.pb.swift"
echo "wrote $here/onnx.pb.swift"
