// SPDX-License-Identifier: MIT

package codec_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

func bookPage() *store.Entry {
	e, err := store.New(store.Response{
		Key: "GET\x00https://example.com\x00/books", Status: 200,
		Fields: []store.Field{{Name: "Content-Type", Values: []string{"text/html"}}},
		Body:   []byte(strings.Repeat("<li>A book\n", 1000)),
	})
	if err != nil {
		log.Fatal(err)
	}
	return e
}

func ExampleNew() {
	dense, err := codec.New(codec.Config{Compression: codec.Brotli, Level: 9})
	if err != nil {
		log.Fatal(err)
	}
	value, err := dense.Encode(bookPage())
	if err != nil {
		log.Fatal(err)
	}

	// Every other codec of the package reads it.
	e, err := codec.Default().Decode(value)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(value) < 300, e.Status(), e.BodyLen())
	// Output: true 200 11000
}

// Any library for MessagePack reads what a codec of that format wrote: in Python, the
// same is msgpack.unpackb(value).
func ExampleFormat_messagePack() {
	c, err := codec.New(codec.Config{Format: codec.MessagePack})
	if err != nil {
		log.Fatal(err)
	}
	value, err := c.Encode(bookPage())
	if err != nil {
		log.Fatal(err)
	}

	entry, _, err := msgp.ReadMapStrIntfBytes(value, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(entry["holdover"], entry["status"])
	for _, field := range entry["fields"].([]any) {
		line := field.([]any)
		fmt.Println(line[0], line[1])
	}
	fmt.Printf("%.10s\n", entry["body"])
	// Output:
	// 1 200
	// Content-Type [text/html]
	// <li>A book
}
