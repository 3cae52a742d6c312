// Command go_check verifies a Yizhan log, or an export from one, with the packages of Go's checksum database
// (golang.org/x/mod/sumdb): a verifier that shares no line with the product.
//
//	go_check log DIR VKEY_FILE      DIR holds checkpoint, tile/entries/..., tile/0/..., inclusion/*, consistency/*
//	go_check export DIR VKEY_FILE   DIR holds checkpoint, items/*/*.leaf and items/*/*.tlog-proof
//
// It prints what it checked and ends with 0, or says what is wrong and ends with 1.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "go_check: "+format+"\n", args...)
	os.Exit(1)
}

func read(path ...string) []byte {
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		fail("%v", err)
	}
	return data
}

func glob(path ...string) []string {
	found, err := filepath.Glob(filepath.Join(path...))
	if err != nil {
		fail("%v", err)
	}
	return found
}

func hash(text string) tlog.Hash {
	h, err := tlog.ParseHash(text)
	if err != nil {
		fail("%q is not a hash", text)
	}
	return h
}

// head opens a signed checkpoint and returns the tree that it speaks of.
func head(signed []byte, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		fail("checkpoint: %v", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		fail("checkpoint: not one of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		fail("checkpoint: %v", err)
	}
	return tlog.Tree{N: size, Hash: hash(lines[2])}
}

// inclusion checks a c2sp.org/tlog-proof@v1 for one entry.
func inclusion(path string, entry []byte, checkpoint []byte, tree tlog.Tree) {
	parts := strings.SplitN(string(read(path)), "\n\n", 2)
	if len(parts) != 2 || parts[1] != string(checkpoint) {
		fail("%s: it is not for this checkpoint", path)
	}
	lines := strings.Split(parts[0], "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		fail("%s: not a tlog-proof", path)
	}
	index, err := strconv.ParseInt(lines[1][len("index "):], 10, 64)
	if err != nil {
		fail("%s: %v", path, err)
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		proof = append(proof, hash(line))
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		fail("%s: %v", path, err)
	}
}

// entries returns the log's entries, read from its full and partial bundles.
func entries(dir string, size int64) [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		tile := tlog.Tile{H: 8, L: -1, N: n, W: 256}
		if size-n*256 < 256 {
			tile.W = int(size - n*256)
		}
		// Go's paths have the tile's height in front, and call the entries data.
		path := "tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/data/")
		data := read(dir, path)
		for i := 0; i < tile.W; i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				fail("%s: it ends early", path)
			}
			length := int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
		if len(data) != 0 {
			fail("%s: it goes on behind its last entry", path)
		}
	}
	return all
}

func checkLog(dir string, verifier note.Verifier) {
	checkpoint := read(dir, "checkpoint")
	tree := head(checkpoint, verifier)
	all := entries(dir, tree.N)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, index := range indexes {
			out = append(out, stored[index])
		}
		return out, nil
	})
	for i, entry := range all {
		hashes, err := tlog.StoredHashes(int64(i), entry, reader)
		if err != nil {
			fail("entry %d: %v", i, err)
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil || root != tree.Hash {
		fail("the root of the %d entries is %v, the checkpoint's is %v (%v)", len(all), root, tree.Hash, err)
	}
	for _, tile := range tlog.NewTiles(8, 0, tree.N) {
		// NewTiles names every partial tile on the way; a log has those of its own size.
		if tile.W < 256 && int64(tile.W) != tree.N>>(8*uint(tile.L))%256 {
			continue
		}
		want, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			fail("%v: %v", tile, err)
		}
		path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		if string(read(dir, path)) != string(want) {
			fail("%s: its hashes are not those of the entries", path)
		}
	}
	proofs := glob(dir, "inclusion", "*.tlog-proof")
	for _, path := range proofs {
		index, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".tlog-proof"))
		if err != nil || index >= len(all) {
			fail("%s: no such entry", path)
		}
		inclusion(path, all[index], checkpoint, tree)
	}
	steps := glob(dir, "consistency", "*")
	for _, path := range steps {
		old, err := strconv.ParseInt(filepath.Base(path), 10, 64)
		if err != nil {
			fail("%s: %v", path, err)
		}
		oldRoot, err := tlog.TreeHash(old, reader)
		if err != nil {
			fail("%s: %v", path, err)
		}
		var proof tlog.TreeProof
		for _, line := range strings.Fields(string(read(path))) {
			proof = append(proof, hash(line))
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old, oldRoot); err != nil {
			fail("%s: %v", path, err)
		}
	}
	fmt.Printf("verified: %d entries, %d inclusion proofs, %d consistency proofs\n", len(all), len(proofs), len(steps))
}

func checkExport(dir string, verifier note.Verifier) {
	checkpoint := read(dir, "checkpoint")
	tree := head(checkpoint, verifier)
	leaves := glob(dir, "items", "*", "*.leaf")
	for _, path := range leaves {
		inclusion(strings.TrimSuffix(path, ".leaf")+".tlog-proof", read(path), checkpoint, tree)
	}
	fmt.Printf("verified: %d items\n", len(leaves))
}

func main() {
	if len(os.Args) != 4 {
		fail("usage: go_check log|export DIR VKEY_FILE")
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read(os.Args[3]))))
	if err != nil {
		fail("%s: %v", os.Args[3], err)
	}
	switch os.Args[1] {
	case "log":
		checkLog(os.Args[2], verifier)
	case "export":
		checkExport(os.Args[2], verifier)
	default:
		fail("usage: go_check log|export DIR VKEY_FILE")
	}
}
