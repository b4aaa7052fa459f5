// SPDX-License-Identifier: MIT
// What Go programs are made of: goroutines and channels, maps, interfaces, reflection, big numbers, text, compression,
// hashes, files, panics. Reads standard input, keeps files in the directory that its argument names.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"
)

type shape interface{ area() float64 }
type square struct{ Side float64 }
type circle struct{ Radius float64 }

func (s square) area() float64 { return s.Side * s.Side }
func (c circle) area() float64 { return math.Pi * c.Radius * c.Radius }

func must(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// Workers take numbers from one channel and give squares to another one.
func goroutines() {
	numbers, squares := make(chan int), make(chan int, 8)
	var group sync.WaitGroup
	for worker := 0; worker < 20; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := range numbers {
				if n%100 == 0 {
					runtime.Gosched()
				}
				squares <- n * n
			}
		}()
	}
	go func() {
		for n := 1; n <= 10000; n++ {
			numbers <- n
		}
		close(numbers)
		group.Wait()
		close(squares)
	}()
	sum := 0
	for square := range squares {
		sum += square
	}
	fmt.Println("sum of squares:", sum)

	never, ticks := make(chan int), 0
	ticker := time.NewTicker(time.Millisecond)
	for ticks < 5 {
		select {
		case <-ticker.C:
			ticks++
		case <-never:
		}
	}
	ticker.Stop()
	fmt.Println("ticks:", ticks)
}

func recovers() (text string) {
	defer func() { text = fmt.Sprint("recovered: ", recover()) }()
	var table []int
	return fmt.Sprint(table[len(os.Args)])
}

func values() {
	shapes := []shape{square{2}, circle{1}, square{0.5}}
	sort.Slice(shapes, func(i, j int) bool { return shapes[i].area() < shapes[j].area() })
	for _, s := range shapes {
		fmt.Printf("%T %+v %.4f\n", s, s, s.area())
	}
	text, err := json.Marshal(map[string]any{"shapes": shapes, "numbers": []float64{1, 0.1, 1e100}, "text": "ä€\n"})
	must(err)
	fmt.Println(string(text))
	var back map[string]any
	must(json.Unmarshal(text, &back))
	fmt.Println(len(back), back["numbers"])
	product := big.NewInt(1)
	for i := int64(2); i <= 60; i++ {
		product.Mul(product, big.NewInt(i))
	}
	fmt.Println("60! =", product)
	words := regexp.MustCompile(`(\w)(\w*)`).ReplaceAllString("over the lazy dog", "${2}${1}ay")
	fmt.Println(strings.ToUpper(words), recovers())
}

func input() {
	counts := map[string]int{}
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(nil, 1<<20)
	hash := sha256.New()
	var packed bytes.Buffer
	zipper := gzip.NewWriter(&packed)
	for scanner.Scan() {
		for _, word := range strings.Fields(scanner.Text()) {
			counts[word]++
		}
		hash.Write(scanner.Bytes())
		zipper.Write(scanner.Bytes())
	}
	must(scanner.Err())
	must(zipper.Close())
	reader, err := gzip.NewReader(&packed)
	must(err)
	again := sha256.New()
	_, err = io.Copy(again, reader)
	must(err)
	fmt.Printf("%d words, %x, %v\n", len(counts), hash.Sum(nil), bytes.Equal(hash.Sum(nil), again.Sum(nil)))
}

func files(root string) {
	folder := filepath.Join(root, "a", "b")
	must(os.MkdirAll(folder, 0o777))
	for i := 0; i < 30; i++ {
		must(os.WriteFile(filepath.Join(folder, fmt.Sprintf("file-%02d", i)), bytes.Repeat([]byte{byte(i)}, i*1000), 0o666))
	}
	must(os.Rename(filepath.Join(folder, "file-29"), filepath.Join(root, "moved")))
	must(os.Remove(filepath.Join(folder, "file-00")))
	must(os.Symlink("../moved", filepath.Join(root, "a", "link")))
	total := int64(0)
	must(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = entry.Info(); err == nil {
				total += info.Size()
			}
		}
		return err
	}))
	linked, err := os.ReadFile(filepath.Join(root, "a", "link"))
	must(err)
	_, err = os.ReadFile(filepath.Join(root, "none"))
	fmt.Println("bytes:", total, "linked:", len(linked), "none:", errors.Is(err, fs.ErrNotExist))
	must(os.RemoveAll(filepath.Join(root, "a")))
	must(os.Remove(filepath.Join(root, "moved")))
	left, err := os.ReadDir(root)
	must(err)
	fmt.Println("left:", len(left))
}

// A deep stack, which Go moves as it grows, and garbage.
func memory() {
	var deep func(n int) int
	deep = func(n int) int {
		if n == 0 {
			return 0
		}
		return 1 + deep(n-1)
	}
	kept := map[int][]byte{}
	for i := 0; i < 20000; i++ {
		kept[i%100] = make([]byte, 1000+i%7)
	}
	runtime.GC()
	fmt.Println("deep:", deep(200000), "kept:", len(kept))
}

func main() {
	goroutines()
	values()
	input()
	files(os.Args[1])
	memory()
	os.Exit(3)
}
