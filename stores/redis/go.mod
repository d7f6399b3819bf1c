module github.com/holdover-go/holdover/stores/redis

go 1.26.0

require (
	github.com/holdover-go/holdover v0.0.0-00010101000000-000000000000
	github.com/holdover-go/holdover/codec v0.0.0-00010101000000-000000000000
	github.com/redis/rueidis v1.0.79
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/andybalholm/brotli v1.2.8 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/tinylib/msgp v1.6.5 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace github.com/holdover-go/holdover => ../../

replace github.com/holdover-go/holdover/codec => ../../codec/
