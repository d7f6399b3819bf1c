module github.com/holdover-go/holdover/codec

go 1.26.0

require (
	github.com/andybalholm/brotli v1.2.8
	github.com/holdover-go/holdover v0.0.0-00010101000000-000000000000
	github.com/klauspost/compress v1.20.3
	github.com/stretchr/testify v1.12.1
	github.com/tinylib/msgp v1.6.5
)

require (
	github.com/philhofer/fwd v1.2.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace github.com/holdover-go/holdover => ../
